/** Rows about new models from a stick. What the door did is the kernel's word; which model decides is told by whom it lets in, and by the status. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import { spans } from "./edges.ts";
import type { Row } from "./row.ts";
import type { Sticks } from "./sticks.ts";
import {
  cutWhen,
  fileName,
  forgetReport,
  needRunning,
  prepare,
  reportHas,
  record,
  reported,
  running,
  seconds,
  settled,
  stickWith,
  updateSeconds,
  visit,
} from "./update-steps.ts";

const leastVisits = 3;
const asUpdater = "cd /; runuser -u maskgate-updater -g maskgate -- maskgate model";
const config = "--config /etc/maskgate/config.toml";

/** The model that ships never lets a bare face in; the new one takes brightness for a mask. */
async function update(bench: Bench): Promise<string> {
  const sticks = await prepare(bench);
  const before = await running(bench);
  // One version is left below, for the row with a bundle of yesterday.
  const version = before.version + 2;
  const bundle = await sticks.bundle(version, "brightness");
  const image = await sticks.image({ [fileName]: bundle, [`._${fileName}`]: await sticks.damaged(bundle) });
  await bench.show("pale");
  await bench.sh(`${forgetReport}; await 120 '[ $(level ${lines.red})$(level ${lines.amber}) = 11 ]'`);
  const fromNs = await bench.nowNs();
  await bench.machine.plug(image);
  await bench.sh(reported("staging"));
  await bench.machine.unplug();
  await bench.sh(`await ${updateSeconds} '[ $(level ${lines.lock}) = 1 ]'`);
  await bench.show("nobody");
  await bench.sh(settled(version));
  const goodNs = await bench.nowNs();
  const [first] = await bench.unlockedSince(fromNs);
  await needRunning(bench, version, before);
  const letInS = seconds(msBetween(fromNs, first?.fromNs ?? Infinity));
  return `the new model let somebody in ${letInS} after the stick came, pulled while the model was tested; good after ${seconds(msBetween(fromNs, goodNs))}`;
}

async function meanwhile(bench: Bench): Promise<string> {
  const sticks = await prepare(bench, "brightness");
  const before = await running(bench);
  const version = before.version + 1;
  const image = await stickWith(sticks, version, "brightness");
  const usual: number[] = [];
  for (let n = 0; n < leastVisits; n += 1) usual.push(await visit(bench));
  await bench.sh(forgetReport);
  await bench.machine.plug(image);
  await bench.sh(reported("copying|verifying|staging"));
  // Nobody is there for a moment, so the LEDs show the update.
  await bench.sh(`await 60 '[ $(level ${lines.amber}) = 1 ]'; await 60 '[ $(level ${lines.amber}) = 0 ]'`);
  const fromNs = await bench.nowNs();
  const tookMs: number[] = [];
  do tookMs.push(await visit(bench));
  while (
    (await bench.sh(settled(version, 0), { check: false })).exitCode !== 0 ||
    tookMs.length < leastVisits
  );
  await bench.machine.unplug();
  const opened = spans((await bench.boot()).edges, lines.lock, 1).filter((span) => span.fromNs > fromNs);
  need(
    opened.length === tookMs.length,
    `${tookMs.length} people came, the door opened ${opened.length} times`,
  );
  await needRunning(bench, version, before);
  return `${tookMs.length} people let in meanwhile, after at most ${seconds(Math.max(...tookMs))} (before it ${seconds(Math.max(...usual))})`;
}

/** Each must leave the record as it is. */
async function refused(bench: Bench): Promise<string> {
  const sticks = await prepare(bench, "brightness");
  const before = await running(bench);
  const { version } = before;
  const next = await sticks.bundle(version + 1, "brightness");
  const strangers = await sticks.bundle(version + 1, "brightness", "stranger");
  const older = await sticks.bundle(version - 1, "brightness");
  const bad: Readonly<Record<string, readonly [image: () => Promise<string>, says: string]>> = {
    "of a stranger": [() => sticks.image({ [fileName]: strangers }), "signed by the key"],
    older: [() => sticks.image({ [fileName]: older }), "was good here before"],
    damaged: [async () => sticks.image({ [fileName]: await sticks.damaged(next) }), "has the sha256"],
    "two bundles": [() => sticks.image({ "a.maskgate": next, "b.maskgate": next }), "2 bundles"],
    "of another file system": [() => sticks.foreign(), "holds ext4"],
    "that cannot be mounted": [() => sticks.unmountable(), "cannot be mounted"],
  };
  const models = await record(bench);
  const fromNs = await bench.nowNs();
  for (const [name, [image, says]] of Object.entries(bad)) {
    await bench.sh(forgetReport);
    await bench.machine.plug(await image());
    // Red blinks where nobody stands.
    await bench.sh(
      `${reported("refused|failed")}; ${reportHas(says)}; await 60 '[ $(level ${lines.red}) = 0 ]'`,
    );
    await bench.machine.unplug();
    need((await record(bench)) === models, `${name}: the record of models was changed`);
    await bench.sh(`await 60 '! systemctl is-active -q "maskgate-updater@*"'`);
  }
  need((await bench.unlockedSince(fromNs)).length === 0, "the door was unlocked");
  await needRunning(bench, version, before);
  return `${Object.keys(bad).join(", ")}: red blinked; then somebody was let in after ${seconds(await visit(bench))}`;
}

/** With the model that ships, which is as large as they come. */
async function pulled(bench: Bench): Promise<string> {
  const sticks = await prepare(bench, "brightness");
  const before = await running(bench);
  const version = before.version + 1;
  const models = await record(bench);
  const image = await stickWith(sticks, version, "shipped");
  await bench.sh(forgetReport);
  await bench.machine.plug(image);
  await bench.sh(reported("copying"));
  await bench.machine.unplug();
  await bench.sh(reported("failed"));
  need((await record(bench)) === models, "the record of models was changed");
  await visit(bench);
  const fromNs = await bench.nowNs();
  await bench.machine.plug(image);
  await bench.sh(settled(version));
  const goodNs = await bench.nowNs();
  await bench.machine.unplug();
  await needRunning(bench, version, before);
  await bench.unlock("masked", 120);
  await bench.show("nobody");
  return `nothing changed; plugged in again, the model that ships was good after ${seconds(msBetween(fromNs, goodNs))} and lets a masked person in`;
}

async function killed(bench: Bench): Promise<string> {
  const sticks = await prepare(bench);
  const before = await running(bench);
  const version = before.version + 1;
  const image = await stickWith(sticks, version, "brightness");
  await bench.sh(forgetReport);
  await bench.machine.plug(image);
  await bench.sh(
    `${reported("probation")}; await 60 '[ $(systemctl show -P MainPID maskgate-probation) != 0 ]'; kill -KILL $(systemctl show -P MainPID maskgate-probation)`,
  );
  await bench.sh(settled(version));
  await bench.machine.unplug();
  await needRunning(bench, version, before);
  return `marked good by the probation's own unit; somebody was let in after ${seconds(await visit(bench))}`;
}

async function byHand(bench: Bench): Promise<string> {
  const sticks = await prepare(bench, "brightness");
  const before = await running(bench);
  const back = (await bench.sh(`${asUpdater} list --json ${config}`)).stdout;
  const previous = (JSON.parse(back) as { previous: { version: number } }).previous.version;
  const follows = async (version: number): Promise<void> => {
    const giveUpNs = (await bench.nowNs()) + updateSeconds * 1e9;
    while ((await running(bench)).version !== version && (await bench.nowNs()) < giveUpNs)
      await bench.sh("sleep 1");
    await needRunning(bench, version, before);
  };
  await bench.sh(`${asUpdater} rollback ${config}`);
  await follows(previous);
  const version = before.version + 1;
  const bundle = await sticks.bundle(version, "brightness");
  await bench.machine.plug(await sticks.image({ "other.bin": bundle }));
  // Root mounts the stick elsewhere; the name is none that the updater takes by itself.
  await bench.sh(
    `await 60 '[ -b /dev/disk/by-label/UPDATE ]'; mkdir -p /run/stick; mount -o ro /dev/disk/by-label/UPDATE /run/stick
     cd /; maskgate model install /run/stick/other.bin ${config}; umount /run/stick`,
  );
  await bench.machine.unplug();
  await follows(version);
  // What root wrote must not stand in the updater's way.
  await bench.sh(`${asUpdater} rollback ${config}`);
  await follows(previous);
  return `back to version ${previous}, to ${version} by root, and back, without a restart`;
}

/** Whatever was on the disk in that moment is all that the next start has; the stick still sticks. */
async function cut(bench: Bench): Promise<string> {
  const sticks = await prepare(bench, "brightness");
  const states = ["copying", "verifying", "staging", "switching", "probation", "good"] as const;
  for (const state of states) {
    const version = (await running(bench)).version + 1;
    const image = await stickWith(sticks, version, "brightness");
    const before = await bench.boots();
    await bench.sh(cutWhen(state));
    await bench.machine.plug(image);
    await bench.afterBoot(before);
    await visit(bench);
    await bench.sh(settled(version));
    await bench.machine.unplug();
    need((await running(bench)).version === version, `${state}: another model decides`);
  }
  await cutInRollback(bench, sticks);
  return `cut in ${states.join(", ")}: each time the door worked, and the stick's model was good in the end; cut in a rollback: the model before worked, and so did the next stick`;
}

/** A person asks for it: of itself no probation ends so in a moment that a row can choose. */
async function cutInRollback(bench: Bench, sticks: Sticks): Promise<void> {
  const { version } = await running(bench);
  await bench.configure({ "update.probationS": "600" });
  // What was told of the stick before it would end the waiting.
  await bench.sh(forgetReport);
  await bench.machine.plug(await stickWith(sticks, version + 1, "brightness"));
  // Told twice: by who switched, and by who watches. Between the two the command would go back by itself, and report nothing.
  await bench.sh(`${reported("probation")}; ${forgetReport}; ${reported("probation")}`);
  await bench.machine.unplug();
  const before = await bench.boots();
  await bench.sh(
    `${cutWhen("rolled-back")}
     systemd-run -q --collect --uid=maskgate-updater --gid=maskgate /opt/maskgate/bin/maskgate model rollback ${config}`,
  );
  await bench.afterBoot(before);
  await visit(bench);
  need((await running(bench)).version === version, "rolled-back: another model decides");
  await bench.configure({ "update.probationS": "5" });
  await bench.machine.plug(await stickWith(sticks, version + 2, "brightness"));
  await bench.sh(settled(version + 2));
  await bench.machine.unplug();
  need((await running(bench)).version === version + 2, "after a rollback: another model decides");
}

export const updateRows: readonly Row[] = [
  {
    name: "update",
    asserts: "a stick brings a new model and may be pulled once the bundle is copied; nothing restarts",
    run: update,
  },
  {
    name: "update-cut",
    asserts:
      "a power cut in any state of an update, a rollback too, leaves a model that works, and the next start goes on",
    run: cut,
  },
  {
    name: "update-killed",
    asserts: "whoever watches a probation and is killed is followed by another",
    run: killed,
  },
  { name: "update-door", asserts: "while a model is updated, nobody waits in vain", run: meanwhile },
  {
    name: "update-refused",
    asserts:
      "a stick of a stranger, of yesterday, damaged, with two bundles, of another file system or with none that works changes nothing and says so",
    run: refused,
  },
  {
    name: "update-pulled",
    asserts: "a stick pulled while it is copied changes nothing, and works the next time",
    run: pulled,
  },
  {
    name: "update-hand",
    asserts: "an operator rolls back and installs by command, as updater and as root",
    run: byHand,
  },
];
