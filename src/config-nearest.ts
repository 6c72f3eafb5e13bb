/** Finds the key that somebody meant who wrote another one. */

/** The known key most like `given`, or nothing when none is near. */
export function nearestKey(given: string, known: readonly string[]): string | undefined {
  const names = [...known, ...sectionsOf(known)];
  const ranked = names
    .map((name) => ({ name, distance: Math.min(edits(plain(given), plain(name)), moved(given, name)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const reach = Math.max(2, Math.floor(lastPart(given).length / 3));
  return best !== undefined && best.distance <= reach ? best.name : undefined;
}

/** A right key in the wrong section is nearer than any misspelt one but the closest. */
function moved(given: string, name: string): number {
  return plain(lastPart(given)) === plain(lastPart(name)) ? 1.5 : Infinity;
}

function sectionsOf(keys: readonly string[]): readonly string[] {
  return [
    ...new Set(
      keys.flatMap((key) => key.split(".").map((_, depth, parts) => parts.slice(0, depth).join("."))),
    ),
  ].filter((section) => section !== "");
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}

/** snake_case, kebab-case and capitals are no difference. */
function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, left] of Array.from(a).entries()) {
    const above = row;
    row = [i + 1];
    for (const [j, right] of Array.from(b).entries()) {
      const swap = (above[j] ?? 0) + (left === right ? 0 : 1);
      row.push(Math.min(swap, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}
