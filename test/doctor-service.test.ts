/** A unit that runs with what its files were at its start: told by ages, so that a clock that was set meanwhile deceives nobody. */
import assert from "node:assert/strict";
import { utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { serviceFindings } from "../src/doctor-service.ts";
import { type Host, thisHost } from "../src/io/host.ts";
import { configOf, folder, onDevice, sound, unitProperties } from "./sim/sim-host.ts";

const well = `ok: ${unitProperties["StatusText"] ?? ""}`;
const [config, program] = ["/etc/maskgate/config.toml", "/opt/maskgate"];

/** The rows of the units, as "kind: text -> mend". */
function rows(host: Partial<Host>, of = onDevice): readonly string[] {
  return serviceFindings({ ...sound, ...host }, of)
    .filter(({ name }) => name.endsWith(".service"))
    .map(({ kind, text, mend }) => `${kind}: ${text}${mend === undefined ? "" : ` -> ${mend}`}`);
}

/** Its units have run for 4000 s; one file was changed so long ago, the others before. */
const changed = (file: string, agoS: number): Pick<Host, "changedS"> => ({
  changedS: (asked) => sound.wallClockS() - (asked === file ? agoS : 4500),
});
const withUnit = (properties: Readonly<Record<string, string>>): Pick<Host, "unit"> => ({
  unit: (_, property) => properties[property] ?? unitProperties[property] ?? "",
});

const stale = (file: string): string =>
  `warn: started before ${file} was changed -> systemctl restart maskgate-door maskgate`;

for (const file of [config, `${program}/dist`, `${program}/package.json`]) {
  test(`${file}: changed after the start of a unit is told, before is not`, () => {
    assert.deepEqual(rows(changed(file, 3999)), [stale(file), stale(file)]);
    assert.deepEqual(rows(changed(file, 4001)), [well, well]);
  });
}

test("one of two units may have been restarted alone", () => {
  const restarted: Host["unit"] = (name, property) =>
    property === "ExecMainStartTimestampMonotonic" && name === "maskgate.service"
      ? "4990000000"
      : (unitProperties[property] ?? "");
  assert.deepEqual(rows({ ...changed(config, 100), unit: restarted }), [stale(config), well]);
});

test("a daemon that holds the lines itself is restarted alone", () => {
  const alone = configOf('[gpio]\nholder = "daemon"\n');
  assert.deepEqual(rows(changed(config, 10), alone), [
    `warn: started before ${config} was changed -> systemctl restart maskgate`,
  ]);
});

const untold: readonly (readonly [what: string, host: Partial<Host>])[] = [
  ["a date in the future, from another clock", changed(config, -60)],
  ["files that are not there", { changedS: () => undefined }],
  [
    "a unit that does not say since when it runs",
    { ...changed(config, 10), ...withUnit({ ExecMainStartTimestampMonotonic: "0" }) },
  ],
  [
    "a command without files",
    { ...changed(config, 10), ...withUnit({ ExecStart: "{ path=/usr/bin/true ; argv[]=true ; }" }) },
  ],
];
for (const [what, host] of untold) {
  test(`${what}: no change is made up`, () => {
    assert.deepEqual(rows(host), [well, well]);
  });
}

test("this machine's clocks and files have the times that they have", () => {
  const file = path.join(folder, "changed");
  writeFileSync(file, "");
  utimesSync(file, 1000, 2000);
  assert.equal(thisHost.changedS(file), 2000);
  assert.equal(thisHost.changedS(`${file}.none`), undefined);
  const uptimeS = thisHost.monotonicS();
  assert.ok(Math.abs(uptimeS - Number(process.hrtime.bigint()) / 1e9) < 5, `${uptimeS}`);
});
