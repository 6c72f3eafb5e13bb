/** The mask classifier: crops in, one probability a crop out, through ONNX Runtime. */
import { InferenceSession, Tensor, env } from "onnxruntime-node";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Precision, RunningModel } from "../core/ports.ts";
import { cropPx } from "./crop.ts";
import { graphFor, readGraph, readManifest, type AskedPrecision, type Manifest } from "./model-files.ts";
import { disableTelemetry } from "./no-telemetry.ts";
import { readGolden, selfTest, type Golden } from "./self-test.ts";

export interface ClassifierSettings {
  /** Folder with manifest.json and the model. */
  readonly folder: string;
  /** ONNX Runtime execution providers in the order in which they are tried: "tensorrt", "cuda", "cpu". */
  readonly providers: readonly string[];
  readonly precision: AskedPrecision;
  /** Threads of one inference; 0 = one a core. */
  readonly threads: number;
}

export interface Classifier {
  readonly model: RunningModel;
  /**
   * Classifies crops of 112 x 112 x 3 bytes in one batch.
   * @returns for each crop the probability, 0..1, that a mask is worn properly
   */
  classify(crops: readonly Uint8Array[]): Promise<number[]>;
  dispose(): Promise<void>;
}

// What ONNX Runtime would write to stderr by itself, such as why a provider does not load, comes back as an error too.
env.logLevel = "fatal";

const cropBytes = cropPx * cropPx * 3;

/** @throws KioskError bad-model */
export async function loadClassifier(settings: ClassifierSettings): Promise<Classifier> {
  disableTelemetry();
  const manifest = await readManifest(settings.folder);
  const { session, file, golden, ...running } = await startSession(manifest, settings);
  checkShapes(session, manifest, file);
  if (golden) await selfTest(file, golden, (crops) => classify(session, manifest, crops));
  return {
    model: {
      name: manifest.name,
      version: manifest.version,
      threshold: manifest.threshold,
      ...running,
    },
    classify: (crops) => classify(session, manifest, crops),
    dispose: () => session.release(),
  };
}

interface StartedSession {
  readonly session: InferenceSession;
  /** Of the graph that runs. */
  readonly file: string;
  readonly golden: Golden | undefined;
  readonly precision: Precision;
  readonly provider: string;
  readonly passedOver: RunningModel["passedOver"];
}

async function startSession(manifest: Manifest, settings: ClassifierSettings): Promise<StartedSession> {
  const passedOver: { provider: string; reason: string }[] = [];
  const { folder, precision: asked } = settings;
  for (const provider of settings.providers) {
    const stated = graphFor(manifest, provider, asked, folder);
    if (!stated) {
      passedOver.push({ provider, reason: "the model's int8 graph is not made for it" });
      continue;
    }
    const graph = await readGraph(folder, stated);
    try {
      const session = await InferenceSession.create(graph, {
        executionProviders: [provider],
        intraOpNumThreads: settings.threads,
        interOpNumThreads: 1,
        logSeverityLevel: 4,
      });
      const golden = stated.golden ?? (await readGolden(folder));
      const file = path.join(folder, stated.file);
      return { session, file, golden, precision: stated.precision, provider, passedOver };
    } catch (error) {
      passedOver.push({ provider, reason: messageOf(error).split("\n", 1)[0] ?? "unknown" });
    }
  }
  const reasons = passedOver.map(({ provider, reason }) => `${provider}: ${reason}`).join("; ");
  throw new KioskError("bad-model", `${folder}: no provider of model.providers runs the model (${reasons})`);
}

function checkShapes(session: InferenceSession, manifest: Manifest, file: string): void {
  const input = session.inputMetadata.find(({ name }) => name === manifest.input.name);
  const output = session.outputMetadata.find(({ name }) => name === manifest.output.name);
  const fits =
    session.inputNames.length === 1 &&
    input?.isTensor === true &&
    input.type === manifest.input.type &&
    input.shape.length === 4 &&
    input.shape.slice(1).every((size, i) => size === manifest.input.shape[i + 1]) &&
    output?.isTensor === true &&
    output.type === manifest.output.type &&
    output.shape.length === 1;
  if (fits) return;
  const has = [...session.inputMetadata, ...session.outputMetadata].map(describe).join(", ");
  const wants = `${manifest.input.name} uint8 [N,${manifest.input.shape.slice(1).join(",")}], ${manifest.output.name} float32 [N]`;
  throw new KioskError(
    "bad-model",
    `${file}: the model has ${has}, its manifest states ${wants}; install a model that fits its manifest`,
  );
}

function describe(value: InferenceSession.ValueMetadata): string {
  return value.isTensor ? `${value.name} ${value.type} [${value.shape.join(",")}]` : value.name;
}

async function classify(
  session: InferenceSession,
  manifest: Manifest,
  crops: readonly Uint8Array[],
): Promise<number[]> {
  if (crops.length === 0) return [];
  const batch = new Uint8Array(crops.length * cropBytes);
  for (const [n, crop] of crops.entries()) batch.set(crop, n * cropBytes);
  const image = new Tensor("uint8", batch, [crops.length, cropPx, cropPx, 3]);
  const { [manifest.output.name]: output } = await session.run({ [manifest.input.name]: image });
  if (!(output?.data instanceof Float32Array) || output.data.length !== crops.length) {
    throw new KioskError(
      "bad-model",
      `${manifest.name} gave no probability for each of ${crops.length} crops`,
    );
  }
  return [...output.data];
}
