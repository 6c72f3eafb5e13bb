"""The one command: lists what there is, refuses what there is not; every command it lists is a module with a main."""

import importlib
import re
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[2] / "scripts" / "train" / "run"


def ran(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RUN, *args], capture_output=True, text=True, check=False)


def test_every_command_that_is_listed_is_a_module():
    listed = re.findall(r"^  (\w+) ", ran().stdout, re.M)
    assert {"prepare", "landmarks", "synthesize", "overlays", "train", "evaluate", "export"} <= set(listed)
    for name in set(listed) - {"test"}:
        assert callable(importlib.import_module(f"maskgate_train.{name}").main)


def test_an_unknown_command_is_refused_by_name():
    result = ran("trian")
    assert result.returncode == 1
    assert "no such command: trian" in result.stderr and "usage:" in result.stderr
