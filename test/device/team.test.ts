/** How rows are shared among machines, with machines that are none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Row } from "./row.ts";
import { share, usualMachines, type Member } from "./team.ts";

const rowsNamed = (...names: readonly string[]): readonly Row[] =>
  names.map((name) => ({ name, asserts: "", run: () => Promise.resolve("") }));

interface Behaviour {
  readonly takesMs?: number;
  /** Until then it installs. */
  readonly installs?: Promise<void>;
  readonly cannotInstall?: boolean;
  /** The row in which the machine itself breaks. */
  readonly breaksIn?: string;
}

/** A machine that notes what it does. */
function machine(did: string[], { takesMs = 0, installs, cannotInstall = false, breaksIn }: Behaviour = {}) {
  return (): Promise<Member> => {
    const go = async (row: Row, isOk: boolean) => {
      await wait(takesMs);
      if (row.name === breaksIn) throw new Error(`${row.name}: the machine hangs`);
      did.push(row.name);
      return { row, isOk, figure: "" };
    };
    return Promise.resolve({
      async install(row) {
        await installs;
        return go(row, !cannotInstall);
      },
      run: (row) => go(row, row.name !== "red"),
      [Symbol.asyncDispose]: () => Promise.resolve(void did.push("gone")),
    });
  };
}

const named = ({ verdicts }: Awaited<ReturnType<typeof share>>): readonly string[] =>
  verdicts.map(({ row }) => row.name);

test("each row is run once, on the machine that is free, after the first one on every machine", async () => {
  const [quick, slow]: [string[], string[]] = [[], []];
  const installs = (async () => {
    while (!quick.includes("gone")) await wait(1);
  })();
  const shared = await share(rowsNamed("install", "a", "b", "red", "c", "last"), [
    machine(quick),
    machine(slow, { installs }),
  ]);
  assert.deepEqual(quick, ["install", "a", "b", "red", "c", "last", "gone"]);
  assert.deepEqual(slow, ["install", "gone"]);
  assert.deepEqual(named(shared), ["install", "a", "b", "red", "c", "last"]);
  assert.deepEqual(
    shared.verdicts.filter(({ isOk }) => !isOk).map(({ row }) => row.name),
    ["red"],
  );
  assert.equal(shared.notRun, 0);
});

test("machines of one speed share the rows", async () => {
  const did: readonly string[][] = [[], [], []];
  const names = Array.from({ length: 12 }, (_, at) => `row ${at}`);
  const shared = await share(
    rowsNamed("install", ...names),
    did.map((one) => machine(one, { takesMs: 20 })),
  );
  assert.deepEqual(named(shared).toSorted(), ["install", ...names].toSorted());
  for (const one of did) assert.ok(one.length > 3, one.join());
});

test("a machine that cannot install says so and leaves the rows to the other; without any, they are not run", async () => {
  const [well, ill]: [string[], string[]] = [[], []];
  const rows = rowsNamed("install", "a", "b");
  const one = await share(rows, [machine(well, { takesMs: 20 }), machine(ill, { cannotInstall: true })]);
  assert.deepEqual(named(one), ["install", "install", "a", "b"]);
  assert.equal(one.verdicts.filter(({ isOk }) => isOk).length, 3);
  const none = await share(rows, [machine([], { cannotInstall: true })]);
  assert.deepEqual([named(none), none.notRun], [["install"], 2]);
});

test("a machine that breaks fails the whole, once the others are done and all are gone", async () => {
  const [well, ill]: [string[], string[]] = [[], []];
  const shared = share(rowsNamed("install", "a", "b", "c"), [
    machine(ill, { breaksIn: "a" }),
    machine(well, { takesMs: 20 }),
  ]);
  await assert.rejects(shared, /a: the machine hangs/);
  assert.deepEqual(
    [ill, well],
    [
      ["install", "gone"],
      ["install", "b", "c", "gone"],
    ],
  );
});

test("a core each, as far as the memory goes, and one at least", () => {
  const gibibyte = 2 ** 30;
  assert.deepEqual(
    [usualMachines(4, 64 * gibibyte), usualMachines(16, 8 * gibibyte), usualMachines(2, gibibyte)],
    [4, 3, 1],
  );
});
