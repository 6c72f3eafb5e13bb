"""What stands beside a face is named, and is of no kind that was to be left out."""

from collections import Counter

import numpy as np
from test_synthesize import FRONTAL, NOTHING

from maskgate_train import carried
from maskgate_train.render import dress
from maskgate_train.synthesize import BESIDE, dressed


def test_a_kind_that_is_left_out_stands_beside_no_face_either():
    rgb, points = FRONTAL[0]

    def seen(kind: str, without: frozenset[str]) -> Counter[str]:
        made = (dressed(rgb, points, kind, np.random.default_rng(t), NOTHING, without) for t in range(120))
        return Counter(name for one in made if one for name in one[1])

    for kind in ("fitted", "under_nose", "aside"):
        everything = seen(kind, frozenset())
        assert set(everything) <= BESIDE and len(everything) > 6
        for names in ("phone hand hat", "phone paper", "aside plant"):
            without = frozenset(names.split())
            assert set(everything) & without and not set(seen(kind, without)) & without
    assert set(seen("fitted", BESIDE)) == set(seen("aside", BESIDE)) == set()
    assert "aside" in seen("fitted", frozenset(carried.LOWER)), "a hand still comes near a masked face"


def test_the_row_says_what_stands_beside_the_face():
    rgb, points = FRONTAL[0]
    made = [one for t in range(60) for one in dress(rgb, points, (t,), NOTHING, frozenset({"aside"}))]
    named = [one for one in made if one.beside]
    assert named and {name for one in named for name in one.beside} == {"sunglasses", "hat"}
    plain = Counter(one.kind for one in made if not one.beside)
    assert plain["surgical"] > 5, "most masks stand alone"
