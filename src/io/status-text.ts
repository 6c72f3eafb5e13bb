/** The daemon's state for people: the screen of `maskgate status` and the rows of `maskgate watch`. Pure. */
import { type InputName, inputNames } from "../core/door-report.ts";
import { plainText } from "../core/plain-text.ts";
import type { FaceStatus, StatusSnapshot } from "../core/status.ts";

/** The line that must not be overlooked when another provider runs than was asked for; empty when all is as asked. */
export function providerWarning({ model }: StatusSnapshot): string {
  return model.isFirstChoice
    ? ""
    : `WARNING: the model runs on ${model.provider}, not on ${model.askedProvider}, the first of model.providers`;
}

/** The whole state, one thing a line. */
export function statusText(now: StatusSnapshot): string {
  const { camera, fault, model, policy, stages } = now;
  const warning = providerWarning(now);
  const rows: readonly (readonly [string, string])[] = [
    ["maskgate", `${now.version}, up ${duration(now.uptimeMs)}`],
    ["access", accessText(now)],
    ["door", doorText(now)],
    ...inputsRow(now),
    ["LEDs", ledsText(now)],
    ...(fault === null ? [] : [["fault", `${fault.source}: ${fault.message} (${fault.code})`] as const]),
    [
      "camera",
      `${camera.state}, ${camera.framesPerSecond.toFixed(1)} frames/s; ${camera.framesDelivered} delivered, ` +
        `${camera.framesDecided} decided, ${camera.framesSkipped} skipped`,
    ],
    ["model", `${model.name} ${model.version}, ${model.precision}, on ${model.provider}`],
    ...(now.update.state === "off" ? [] : [["update", updateText(now)] as const]),
    [
      "policy",
      `${policy.mode}, ${policy.several}; masked from ${policy.threshold}, faces from ${policy.leastFacePx} px, ` +
        `${policy.framesToGrant} frames`,
    ],
    ["faces", now.faces.length === 0 ? "none" : now.faces.map((face) => faceText(face, now)).join("; ")],
    ...(stages === null ? [] : [["last frame", stagesText(stages)] as const]),
  ];
  const lines = rows.map(([name, text]) => `${name.padEnd(12)}${plainText(text)}`);
  return [...(warning === "" ? [] : [warning]), ...lines].map((line) => `${line}\n`).join("");
}

const columns = [
  ["frame", 8],
  ["faces", 5],
  ["masked", 17],
  ["access", 14],
  ["door", 13],
  ["LEDs", 11],
  ["ms", 6],
] as const;

/** The head of the live table. */
export function watchHead(): string {
  return row(columns.map(([name]) => name));
}

/** One decided frame as a row of the live table. */
export function watchRow(now: StatusSnapshot): string {
  const seen = now.faces.filter((face) => face.isVisible);
  const probabilities = seen.map((face) => masked(face)).join(" ");
  return row([
    String(now.camera.framesDecided),
    String(seen.length),
    probabilities === "" ? "-" : probabilities,
    accessText(now),
    doorText(now),
    ledsText(now),
    now.stages === null ? "-" : now.stages.frameToDecisionMs.toFixed(0),
  ]);
}

function row(cells: readonly string[]): string {
  return columns
    .map(([, width], index) => (cells[index] ?? "").padEnd(width))
    .join(" ")
    .trimEnd();
}

function accessText({ access, faces, policy }: StatusSnapshot): string {
  if (access.kind !== "checking") return access.kind;
  const agreed = Math.max(0, ...faces.filter((face) => face.isDeciding).map((face) => face.agreed));
  return `checking ${agreed}/${policy.framesToGrant}`;
}

/** What is not a shut and locked door is in capitals. */
function doorText({ door }: StatusSnapshot): string {
  const { kind, leftMs, isFireReleased } = door;
  if (kind === "locked" || kind === "unknown") return kind;
  const left = isFireReleased ? " FIRE" : leftMs === null ? "" : ` ${(leftMs / 1000).toFixed(1)}s`;
  return `${kind.replace("-", " ").toUpperCase()}${left}`;
}

const inputWords = {
  contact: { on: "open", off: "shut" },
  requestToExit: { on: "request to exit PRESSED", off: "request to exit not pressed" },
  fireAlarm: { on: "FIRE ALARM", off: "no fire alarm" },
  tamper: { on: "housing OPEN", off: "housing shut" },
} as const satisfies Record<InputName, { readonly on: string; readonly off: string }>;

const stuckWords = "request to exit STUCK, excuses no opening";

function inputsRow({ door }: StatusSnapshot): readonly (readonly [string, string])[] {
  const texts = inputNames.flatMap((name) => {
    const reading = door.inputs[name];
    if (reading === "not-fitted") return [];
    const isStuck = name === "requestToExit" && door.isExitStuck;
    return [reading === "unknown" ? `${name} unknown` : isStuck ? stuckWords : inputWords[name][reading]];
  });
  return texts.length === 0 ? [] : [["inputs", texts.join(", ")]];
}

function ledsText({ leds }: StatusSnapshot): string {
  const lit = (["green", "red", "amber"] as const).filter((name) => leds[name]);
  return lit.length === 0 ? "dark" : lit.join("+");
}

function faceText(face: FaceStatus, { policy }: StatusSnapshot): string {
  const { width, height } = face.box;
  const notes = `${face.isDeciding ? "" : ", not deciding"}${face.isVisible ? "" : ", out of sight"}`;
  return `${Math.round(Math.min(width, height))} px, masked ${masked(face)}, ${face.agreed}/${policy.framesToGrant}${notes}`;
}

function masked(face: FaceStatus): string {
  return face.masked === null ? "?" : face.masked.toFixed(2);
}

function updateText({ update }: StatusSnapshot): string {
  const { state, version, reason, running } = update;
  const about = `${state}${version === null ? "" : ` version ${version}`}${reason === null ? "" : `: ${reason}`}`;
  if (running === null) return about;
  return running.place === "packaged"
    ? `${about}; the model that comes with maskgate decides`
    : `${about}; version ${running.version} in ${running.place} decides`;
}

function stagesText(stages: NonNullable<StatusSnapshot["stages"]>): string {
  const { decodeMs, detectMs, cropMs, classifyMs, decideMs, actuateMs, frameToDecisionMs } = stages;
  const parts = {
    decode: decodeMs,
    detect: detectMs,
    crop: cropMs,
    classify: classifyMs,
    decide: decideMs,
    actuate: actuateMs,
  };
  const texts = Object.entries(parts).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
  return `${frameToDecisionMs.toFixed(1)} ms from frame to decision (${texts.join(", ")})`;
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  const days = Math.floor(seconds / 86_400);
  return days > 0 ? `${days} d ${clock}` : clock;
}
