/**
 * The manifest of a bundle: what the bundle brings, for which boards, and what is promised of it. Every field is known and
 * bounded, because the manifest bounds everything that is read after it; a new field is a new format number.
 */
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";

/** Names of the first two entries. A model's own `manifest.json` is a part like any other. */
export const manifestName = "bundle.json";
export const signatureName = "bundle.sig";

/** The most that is taken of anything. */
export const limits = {
  manifestBytes: 64 * 1024,
  /** `manifest.json` and `golden.json` of the model. */
  textBytes: 64 * 1024,
  graphBytes: 256 * 1024 * 1024,
  graphs: 2,
  goldenPictures: 64,
  metrics: 128,
  retires: 16,
  version: 2 ** 31 - 1,
} as const;

/** The parts that come before the graphs, in their order. */
export const fixedParts = ["manifest.json", "golden.json", "golden.bin"] as const;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");
const word = z.string().regex(/^[\w][\w.-]{0,63}$/, "must be letters, digits, dots and dashes, 64 at most");
const label = z.string().regex(/^[\x20-\x7e]{1,64}$/, "must be 64 printable characters at most");
const side = z.int().min(1).max(512);
const share = z.number().min(0).max(1);

const partSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,59}$/, "must be a plain file name in lower case"),
  sizeBytes: z.int().min(1).max(limits.graphBytes),
  sha256: hex64,
});

const boardSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w,.+-]{0,63}$/, "must be a board's name, such as nvidia,p3450-0000");

const keyIdSchema = z.string().regex(/^[0-9a-f]{16}$/, "must be a key's id: 16 lower-case hex digits");

const manifestSchema = z
  .strictObject({
    format: z.literal(1),
    name: word,
    version: z.int().min(1).max(limits.version),
    /** What its trainer calls the model, for people. */
    modelVersion: word,
    compatible: z.union([z.literal("any"), z.array(boardSchema).min(1).max(32)]),
    leastDaemonVersion: z.string().regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/, "must be a version such as 0.1.0"),
    parts: z
      .array(partSchema)
      .min(fixedParts.length + 1)
      .max(fixedParts.length + limits.graphs),
    input: z.strictObject({
      name: label,
      type: z.literal("uint8"),
      shape: z.tuple([z.literal("N"), side, side, z.literal(3)]),
    }),
    output: z.strictObject({ name: label, type: z.literal("float32"), shape: z.tuple([z.literal("N")]) }),
    threshold: z.number().min(0.05).max(0.999),
    metrics: z
      .array(
        z.strictObject({
          name: label,
          label: z.union([z.literal(0), z.literal(1)]),
          rate: share,
          low: share,
          high: share,
          n: z.int().min(0),
        }),
      )
      .max(limits.metrics),
    /** Of the pictures in `golden.bin`: what the float graph's trainer got, and how far from it a kiosk may be. */
    golden: z.strictObject({
      tolerance: z.number().positive().max(0.05),
      masked: z.array(share).min(1).max(limits.goldenPictures),
    }),
    retires: z.array(keyIdSchema).max(limits.retires),
  })
  .superRefine((manifest, context) => {
    for (const message of partComplaints(manifest))
      context.addIssue({ code: "custom", path: ["parts"], message });
    if (new Set(manifest.retires).size < manifest.retires.length) {
      context.addIssue({ code: "custom", path: ["retires"], message: "names a key twice" });
    }
  });

export type BundleManifest = z.infer<typeof manifestSchema>;

/** A file that a bundle brings. */
export type Part = Readonly<BundleManifest["parts"][number]>;

/**
 * The manifest in these bytes, which somebody has vouched for.
 * @throws KioskError bad-bundle
 */
export function parseManifest(bytes: Uint8Array, bundle: string): BundleManifest {
  const parsed = manifestSchema.safeParse(jsonOf(bytes, `${bundle}: ${manifestName}`));
  if (parsed.success) return parsed.data;
  throw new KioskError(
    "bad-bundle",
    `${bundle}: ${manifestName}: ${issuesOf(parsed.error)}; make the bundle anew`,
  );
}

/**
 * The JSON in these bytes, which are UTF-8 and nothing else.
 * @throws KioskError bad-bundle
 */
export function jsonOf(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new KioskError(
      "bad-bundle",
      `${what}: is not JSON: ${printable(messageOf(cause))}; make the bundle anew`,
      {
        cause,
      },
    );
  }
}

/** What a schema has against a value, in one line. */
export function issuesOf({ issues }: z.ZodError): string {
  const shown = issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join(".") || "all"}: ${message}`);
  return printable(shown.join("; "));
}

/** How many bytes one picture of `golden.bin` has. */
export function pictureBytes({ input }: Pick<BundleManifest, "input">): number {
  const [, height, width, channels] = input.shape;
  return height * width * channels;
}

/** Error texts quote what was read: no line break and no terminal's control character may come out of them. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 400);
}

function* partComplaints(manifest: Pick<BundleManifest, "parts" | "golden" | "input">): Generator<string> {
  const { parts, golden } = manifest;
  for (const [k, name] of fixedParts.entries()) {
    if (parts[k]?.name !== name) yield `number ${k} must be ${name}`;
  }
  const graphs = parts.slice(fixedParts.length);
  if (graphs.some(({ name }) => !name.endsWith(".onnx"))) yield "after golden.bin there are only .onnx files";
  if (new Set(parts.map(({ name }) => name)).size < parts.length) yield "two have one name";
  if (parts.slice(0, 2).some(({ sizeBytes }) => sizeBytes > limits.textBytes)) {
    yield `manifest.json and golden.json have at most ${limits.textBytes} bytes`;
  }
  const goldenBytes = golden.masked.length * pictureBytes(manifest);
  if (parts[2]?.sizeBytes !== goldenBytes) yield `golden.bin must have ${goldenBytes} bytes`;
}
