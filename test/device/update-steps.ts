/** What the rows about updates are made of: a kiosk that follows bundles, a stick that brings one, a person who is let in by it. */
import path from "node:path";
import { lines, msBetween, need, type Bench } from "./bench.ts";
import { spans } from "./edges.ts";
import { Sticks } from "./sticks.ts";

/** One emulated core starts a program, loads a model and looks at people at the same time. */
export const updateSeconds = 600;
/** As people name them. */
export const fileName = "Model (final).MASKGATE";
const stateFolder = "/var/lib/maskgate-updater";
const reportFile = "/run/maskgate-updater/report.json";

interface Running {
  readonly version: number;
  readonly model: string;
  readonly restarts: string;
}

/** A kiosk with the facility's key and a short probation, before an empty door; with the model named, if one is. */
export async function prepare(bench: Bench, model?: "brightness"): Promise<Sticks> {
  const sticks = await Sticks.in(path.join(bench.machine.folder, "sticks"));
  await bench.ready("shipped");
  await bench.configure({ "update.probationFrames": "5", "update.probationS": "5" });
  await bench.sh(`printf '%s' '${await sticks.publicKey()}' >/etc/maskgate/keys/facility.pub.pem`);
  const now = await running(bench);
  if (model !== undefined && now.model !== model) await bring(bench, sticks, now.version + 2);
  return sticks;
}

/** The image of a stick with one bundle. */
export async function stickWith(sticks: Sticks, ...bundle: Parameters<Sticks["bundle"]>): Promise<string> {
  return sticks.image({ [fileName]: await sticks.bundle(...bundle) });
}

/** Plugs in a stick with the model that takes brightness for a mask, waits until it is marked good, and pulls it. */
async function bring(bench: Bench, sticks: Sticks, version: number): Promise<void> {
  await bench.machine.plug(await stickWith(sticks, version, "brightness"));
  await bench.sh(settled(version));
  await bench.machine.unplug();
}

/** What decides now. */
export async function running(bench: Bench): Promise<Running> {
  const { stdout } = await bench.sh(
    "curl -s --unix-socket /run/maskgate/status.sock http://kiosk/v1/status; echo; systemctl show -P ExecMainStartTimestampMonotonic maskgate",
  );
  const [status = "", restarts = ""] = stdout.split("\n");
  const { model, update } = JSON.parse(status) as {
    model: { name: string };
    update: { running: { version: number } };
  };
  return { version: update.running.version, model: model.name, restarts };
}

/** Fails unless this version decides, in the very process that ran before. */
export async function needRunning(bench: Bench, version: number, before: Running): Promise<void> {
  const now = await running(bench);
  need(now.version === version, `version ${now.version} decides, not ${version}`);
  need(now.restarts === before.restarts, "the daemon was restarted");
}

/** The updater's record of models, byte for byte. */
export async function record(bench: Bench): Promise<string> {
  return (await bench.sh(`cat ${stateFolder}/state.json`)).stdout;
}

/** Script: until the updater reports one of these states, divided by bars; fails at once if it ended otherwise. */
export function reported(states: string): string {
  const has = (some: string): string => `grep -qE "\\"state\\":\\"(${some})\\"" ${reportFile}`;
  const ends = `${states}|good|refused|failed|rolled-back`;
  return `await ${updateSeconds} '${has(ends)} 2>/dev/null'; ${has(states)} || { cat ${reportFile} >&2; exit 1; }`;
}

/** Script: fails unless the updater's report has the words. */
export function reportHas(words: string): string {
  return `grep -qF "${words}" ${reportFile} || { cat ${reportFile} >&2; exit 1; }`;
}

/** Script: forgets what the updater reported last. */
export const forgetReport = `rm -f ${reportFile}`;

/** Script: resets the machine, nothing written back, in the moment in which the updater reports the state. */
export function cutWhen(state: string): string {
  return `install -d -o maskgate-updater -g maskgate -m 755 /run/maskgate-updater; ${forgetReport}
    systemd-run -q --collect /usr/lib/bench/bench cut ${reportFile} '"state":"${state}"'`;
}

/** Script: until the version is active and marked good. */
export function settled(version: number, withinSeconds = updateSeconds): string {
  const last = `"last":{"kind":"good","version":${version},`;
  return `await ${withinSeconds} 'tr -d " \\n" <${stateFolder}/state.json 2>/dev/null | grep -qF "${last.replaceAll('"', '\\"')}"'`;
}

/** A person comes, whom only the model of brightness lets in, and goes again. @returns ms from coming to the unlocked line */
export async function visit(bench: Bench): Promise<number> {
  const { stdout } = await bench.sh(
    `/usr/lib/bench/bench now; echo pale >/run/bench/scene
     await 60 '[ $(level ${lines.lock}) = 1 ]'; echo nobody >/run/bench/scene
     await 60 '[ $(level ${lines.lock}) = 0 ]'; sleep 0.5`,
  );
  const cameNs = Number(stdout);
  const span = spans((await bench.boot()).edges, lines.lock, 1).findLast(({ fromNs }) => fromNs > cameNs);
  need(span !== undefined, "the lock's line was not seen unlocked");
  return msBetween(cameNs, span?.fromNs ?? Infinity);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
