/** The two models by themselves: inference on ready tensors, without cutting, reading or deciding. */
import { setTimeout as wait } from "node:timers/promises";
import { detectorPx, faceGraph, startWasm } from "../src/vision/detector.ts";
import type { ClassifierSettings } from "../src/vision/classifier.ts";
import { cropPx } from "../src/vision/crop.ts";
import { graphFor, readGraph, readManifest } from "../src/vision/model-files.ts";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { quantile, type RawTimes } from "./bench-numbers.ts";

const warmUpRuns = 3;

/** Measures when asked, so that it can take turns with the path on a machine whose load changes. */
export interface RawModels extends AsyncDisposable {
  /** One call of the face detector's graph. */
  detect(): Promise<void>;
  /** One batch of so many crops. */
  classify(crops: number): Promise<void>;
}

/** Loads both models anew; `provider` is the one that the path runs on. */
export async function openRawModels(
  faceModelFolder: string,
  settings: ClassifierSettings,
  provider: string,
): Promise<RawModels> {
  await startWasm();
  const graph = await loadGraphModel(faceGraph(faceModelFolder));
  const face = tf.randomUniform([1, detectorPx, detectorPx, 3], -1, 1);
  const manifest = await readManifest(settings.folder);
  const stated = graphFor(manifest, provider, settings.precision, settings.folder);
  if (!stated) throw new Error(`${settings.folder}: no graph for ${provider}`);
  const bytes = await readGraph(settings.folder, stated);
  const session = await InferenceSession.create(bytes, {
    executionProviders: [provider],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
  });
  const batches = new Map<number, Tensor>();
  return {
    detect: async () => {
      const output = graph.execute(face) as tf.Tensor;
      await output.data();
      output.dispose();
    },
    classify: async (crops) => {
      const image = batches.get(crops) ?? batchOf(crops);
      batches.set(crops, image);
      await session.run({ [manifest.input.name]: image });
    },
    [Symbol.asyncDispose]: async () => {
      face.dispose();
      graph.dispose();
      await session.release();
    },
  };
}

/**
 * Times of raw inference, gathered over several turns. It rests before each run as the path does between two frames:
 * run after run, caches would be warmer and the processor busier than the path ever finds them.
 */
export class RawClock {
  readonly #restMs: number;
  readonly #detectMs: number[] = [];
  readonly #classifyMs = new Map<number, number[]>();

  constructor(restMs: number) {
    this.#restMs = restMs;
  }

  /** One turn: `runs` runs of the detector, and of the classifier for each number of crops. */
  async turn(models: RawModels, crops: Iterable<number>, runs: number): Promise<void> {
    await this.#time(() => models.detect(), runs, this.#detectMs);
    for (const count of crops) {
      const times = this.#classifyMs.get(count) ?? [];
      this.#classifyMs.set(count, times);
      await this.#time(() => models.classify(count), runs, times);
    }
  }

  async #time(run: () => Promise<void>, runs: number, times: number[]): Promise<void> {
    for (let n = 0; n < runs + warmUpRuns; n += 1) {
      await wait(this.#restMs);
      const startMs = performance.now();
      await run();
      if (n >= warmUpRuns) times.push(performance.now() - startMs);
    }
  }

  get detectMs(): readonly number[] {
    return this.#detectMs;
  }

  get classifyMs(): ReadonlyMap<number, readonly number[]> {
    return this.#classifyMs;
  }

  medians(): RawTimes {
    return {
      detectMs: quantile(this.#detectMs, 0.5),
      classifyMsOf: new Map([...this.#classifyMs].map(([crops, times]) => [crops, quantile(times, 0.5)])),
    };
  }
}

function batchOf(crops: number): Tensor {
  return new Tensor("uint8", noise(crops * cropPx * cropPx * 3), [crops, cropPx, cropPx, 3]);
}

/** Any pixels do: neither model's time depends on them. */
function noise(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 7919) % 256);
}
