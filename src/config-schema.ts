/**
 * The one description of the configuration: type, default, range, unit and text of every key. The TypeScript type, the check of
 * a file, the table of `maskgate config` and the test of device/config.toml all come from here; nothing is written twice.
 */
import { z } from "zod";

const whole = (min: number, max: number, value: number, meta: { unit?: string; text: string }) =>
  z.int().min(min).max(max).default(value).meta(meta);
const part = (min: number, max: number, text: string) => z.number().min(min).max(max).meta({ text });
const flag = (value: boolean, text: string) => z.boolean().default(value).meta({ text });
const words = (value: string, text: string) => z.string().default(value).meta({ text });
const named = (value: string, text: string) => z.string().min(1).default(value).meta({ text });

const camera = z.strictObject({
  source: z
    .enum(["replay", "gstreamer", "libcamera"])
    .default("replay")
    .meta({ text: "where frames come from: pictures or a video file, a GStreamer pipeline, or rpicam-vid" }),
  widthPx: whole(160, 4096, 640, { unit: "px", text: "width that the camera is asked for" }),
  heightPx: whole(120, 4096, 480, { unit: "px", text: "height that the camera is asked for" }),
  framesPerSecond: whole(1, 60, 10, { unit: "1/s", text: "frame rate that the camera is asked for" }),
  silenceMs: whole(200, 60_000, 2000, {
    unit: "ms",
    text: "without a frame for so long, the camera is at fault",
  }),
  leastDetail: whole(0, 50, 6, {
    text: "a picture with less to see is at fault (covered lens, dark room): 0..255, lit rooms have 25 and more; 0: off",
  }),
  frozenMs: whole(0, 600_000, 5000, {
    unit: "ms",
    text: "the same picture for so long is a frozen camera, which is at fault; 0: off; a replay never is",
  }),
  restartMinMs: whole(50, 60_000, 500, {
    unit: "ms",
    text: "wait before the first restart of a failed camera",
  }),
  restartMaxMs: whole(50, 600_000, 3000, {
    unit: "ms",
    text: "longest wait; it doubles from restart to restart; a camera that is back is seen that late",
  }),
  replay: z
    .strictObject({
      path: words(
        "demo-frames",
        "folder of pictures, or a video file; `scripts/demo --frames DIR` makes such a folder",
      ),
      loop: flag(true, "start again at the end"),
    })
    .prefault({}),
  gstreamer: z
    .strictObject({
      preset: z
        .enum(["v4l2", "argus", "libcamera", "rtsp", "custom"])
        .default("v4l2")
        .meta({ text: "USB camera, Jetson CSI camera, libcamera, network camera, or your own pipeline" }),
      device: named("/dev/video0", "video device of the preset v4l2"),
      sensorId: whole(0, 15, 0, { text: "sensor number of the preset argus" }),
      url: words("", "rtsp:// or rtsps:// address of the preset rtsp"),
      pipeline: words("", "pipeline of the preset custom, from its source up to raw video"),
      program: named("gst-launch-1.0", "the program that runs the pipeline"),
    })
    .prefault({}),
  libcamera: z
    .strictObject({
      sensorId: whole(0, 15, 0, {
        text: "which of the board's cameras, as rpicam-vid --list-cameras counts",
      }),
      isUpsideDown: flag(false, "whether the camera hangs upside down"),
      program: words("", "the program; empty: rpicam-vid, or libcamera-vid where that is its name"),
    })
    .prefault({}),
});

const faces = z.strictObject({
  leastFacePx: whole(20, 2000, 32, {
    unit: "px",
    text: "smallest detector box that is searched and classified; it is about 0.8 of what a person calls the face",
  }),
  minScore: part(0.3, 0.99, "mean detector score of two looks from which something is a face").default(0.6),
});

const model = z.strictObject({
  folder: words(
    "",
    "folder with model.onnx and manifest.json; empty: the one that the last bundle brought, or that comes with maskgate",
  ),
  providers: z
    .array(z.enum(["tensorrt", "cuda", "cpu"]))
    .min(1)
    .refine((providers) => new Set(providers).size === providers.length)
    .meta({ uniqueItems: true, text: "ONNX Runtime execution providers in the order to try" })
    .default(["tensorrt", "cuda", "cpu"]),
  precision: z.enum(["auto", "float", "int8"]).default("auto").meta({
    text: "which graph of the model runs; auto: int8 on the providers it is made for, if it is there",
  }),
  threads: whole(0, 64, 2, { text: "threads of an inference on the CPU; 0: all cores" }),
});

const access = z.strictObject({
  mode: z
    .enum(["must-wear", "remind"])
    .default("must-wear")
    .meta({ text: "refuse a bare face, or open and remind" }),
  several: z
    .enum(["all", "any", "largest"])
    .default("all")
    .meta({ text: "who must wear a mask when several people stand there" }),
  threshold: part(
    0.5,
    0.999,
    "probability from which a mask is worn properly; absent: the model's operating point",
  ).optional(),
  leastFacePx: whole(20, 2000, 80, { unit: "px", text: "smallest face that can open the door" }),
  framesToGrant: whole(1, 100, 5, {
    unit: "frames",
    text: "agreeing frames of one face before the door opens",
  }),
  maxGapMs: whole(50, 10_000, 500, { unit: "ms", text: "longest gap between two agreeing frames" }),
  unlockMs: whole(1000, 10_000, 3000, { unit: "ms", text: "how long the door stays unlocked" }),
});

const place = (offset: number, what: string) => ({
  chip: named("gpiochip0", `GPIO chip of ${what}`),
  offset: whole(0, 65_535, offset, { text: `line of ${what}: its offset on the chip` }),
  isActiveLow: flag(false, `whether ${what} is active at the low level`),
});
const output = (isFitted: boolean, offset: number, what: string) =>
  z
    .strictObject({ isFitted: flag(isFitted, `whether ${what} is there`), ...place(offset, what) })
    .prefault({});
const led = (offset: number, what: string) => output(true, offset, what);

interface InputText {
  readonly what: string;
  /** In which the circuit is at rest. */
  readonly rest: string;
  readonly circuit: "normally-closed" | "normally-open";
  readonly debounceMs: number;
}

const input = (offset: number, { what, rest, circuit, debounceMs }: InputText) =>
  z
    .strictObject({
      isFitted: flag(false, `whether ${what} is there`),
      ...place(offset, what),
      isActiveLow: flag(
        true,
        `whether the closed circuit of ${what} gives the low level: a contact to ground`,
      ),
      circuit: z
        .enum(["normally-closed", "normally-open"])
        .default(circuit)
        .meta({ text: `the circuit of ${what} while ${rest}` }),
      bias: z
        .enum(["pull-up", "pull-down", "none"])
        .default("pull-up")
        .meta({ text: `resistor of the chip for ${what}; none: the board has one of its own` }),
      debounceMs: whole(0, 2000, debounceMs, {
        unit: "ms",
        text: `how long ${what} must keep a level before it counts`,
      }),
    })
    .prefault({});

const gpio = z.strictObject({
  driver: z
    .enum(["simulated", "character-device", "sysfs"])
    .default("simulated")
    .meta({ text: "simulator, the kernel's /dev/gpiochip*, or /sys/class/gpio of old kernels" }),
  simulatorDir: named("/run/maskgate/gpio", "folder in which the simulator shows its lines"),
  holder: z.enum(["process", "daemon"]).default("daemon").meta({
    text: "who drives the lines: the process `maskgate hold`, or the daemon itself, which is for demonstrations: a daemon that is killed or hangs cannot lock",
  }),
  leaseSocketPath: named(
    "/run/maskgate-door/lease.sock",
    "Unix socket between daemon and holder, at most 107 bytes long, in a folder of the holder's own",
  ),
  leaseSilenceMs: whole(200, 5000, 500, {
    unit: "ms",
    text: "when daemon or holder say nothing for so long, the door locks",
  }),
  door: z
    .strictObject({
      ...place(0, "the door lock"),
      wiring: z
        .enum(["fail-secure", "fail-safe"])
        .default("fail-secure")
        .meta({ text: "what the lock does without power: stay locked, or release" }),
    })
    .prefault({}),
  green: led(1, "the green LED"),
  red: led(2, "the red LED"),
  amber: led(3, "the amber LED"),
  buzzer: output(false, 8, "the buzzer"),
  contact: input(4, {
    what: "the door contact",
    rest: "the door is shut",
    circuit: "normally-closed",
    debounceMs: 50,
  }),
  requestToExit: input(5, {
    what: "the request-to-exit button",
    rest: "nobody presses it",
    circuit: "normally-open",
    debounceMs: 30,
  }),
  fireAlarm: input(6, {
    what: "the fire alarm",
    rest: "there is no alarm",
    circuit: "normally-closed",
    debounceMs: 200,
  }),
  tamper: input(7, {
    what: "the tamper contact",
    rest: "the housing is shut",
    circuit: "normally-closed",
    debounceMs: 200,
  }),
});

const door = z.strictObject({
  heldOpenAfterS: whole(1, 255, 30, { unit: "s", text: "open for so long, the door is held open" }),
  requestToExitS: whole(1, 60, 5, {
    unit: "s",
    text: "for so long after a request to exit an opening is no forced one",
  }),
  relockOnClose: flag(true, "lock as soon as the door has been opened and shut again"),
  fireRelease: flag(true, "release the lock when the fire alarm is raised, if gpio.fireAlarm is fitted"),
  fireClears: z.enum(["by-restart", "by-itself"]).default("by-restart").meta({
    text: "what locks again once the fire alarm is over: a restart of the service, or nothing more",
  }),
});

const update = z.strictObject({
  stateFolder: named("/var/lib/maskgate-updater", "the updater's folder of models, which the daemon reads"),
  runFolder: named("/run/maskgate-updater", "folder in which the updater says what it does"),
  noteFolder: named("/var/lib/maskgate", "the daemon's folder, in which it notes which model it loads"),
  keysFolder: named("/etc/maskgate/keys", "folder of the public keys *.pem that may sign bundles"),
  probationFrames: whole(1, 1_000_000, 300, {
    unit: "frames",
    text: "a new model is good only after so many decided frames",
  }),
  probationS: whole(1, 86_400, 120, { unit: "s", text: "and after so long" }),
  probationLimitS: whole(2, 604_800, 1800, {
    unit: "s",
    text: "a new model that is not good until then is given up",
  }),
  // With the other steps it must fit into RuntimeMaxSec= of maskgate-updater@.service.
  stagingS: whole(1, 5400, 1800, {
    unit: "s",
    text: "longest load and self-test of a new model; TensorRT builds its engine there",
  }),
});

const status = z.strictObject({
  socketPath: named("/run/maskgate/status.sock", "Unix socket of the status, at most 107 bytes long"),
  maxClients: whole(1, 256, 16, { unit: "clients", text: "connections at once; one more gets 503" }),
});

const log = z.strictObject({
  level: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace"])
    .default("info")
    .meta({ text: "least severe message that is written" }),
});

/** All sections; a missing one is filled with its defaults, an unknown key is refused. */
export const configSchema = z.strictObject({
  camera: camera.prefault({}),
  faces: faces.prefault({}),
  model: model.prefault({}),
  access: access.prefault({}),
  gpio: gpio.prefault({}),
  door: door.prefault({}),
  update: update.prefault({}),
  status: status.prefault({}),
  log: log.prefault({}),
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The checked configuration, frozen. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
