/** The face detector: the graph of MediaPipe's short-range model on the wasm backend of tfjs. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import { loadGraphModel, type GraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Box, Face } from "../core/face.ts";
import { detectorInput, detectorPx, facesOfOutput } from "./detector-output.ts";
import type { Picture } from "./picture.ts";
import { cutSquare, type Square } from "./square.ts";

/** Faces of one square region of a picture, boxes in pixels of the picture. */
export interface FaceDetector {
  detect(picture: Picture, region: Square): Promise<Face[]>;
  dispose(): void;
}

/**
 * Loads the model from `folder` (a tfjs graph model and its manifest); no network is used.
 * @throws KioskError bad-model
 */
export async function loadFaceDetector(folder: string): Promise<FaceDetector> {
  const graph = await loadFaceGraph(folder);
  return {
    detect: (picture, region) => detectIn(graph, picture, region),
    dispose: () => {
      graph.dispose();
    },
  };
}

/**
 * Loads the graph alone, without the cutting and reading around it: the benchmark measures it by itself.
 * @throws KioskError bad-model
 */
export async function loadFaceGraph(folder: string): Promise<GraphModel> {
  const require = createRequire(import.meta.url);
  const wasmFolder = path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${wasmFolder}${path.sep}`);
  if (!(await tf.setBackend("wasm")))
    throw new KioskError("bad-model", "the wasm backend of tfjs does not start");
  return loadGraphModel({ load: () => readGraph(folder) });
}

async function detectIn(graph: GraphModel, picture: Picture, region: Square): Promise<Face[]> {
  const pixels = await cutSquare(picture, region, detectorPx, "black");
  const output = await runGraph(graph, detectorInput(pixels));
  return facesOfOutput(output).map(({ box, score }) => ({ score, box: placed(box, region) }));
}

async function runGraph(graph: GraphModel, values: Float32Array): Promise<ArrayLike<number>> {
  const input = tf.tensor4d(values, [1, detectorPx, detectorPx, 3]);
  const output = graph.execute(input) as tf.Tensor;
  try {
    return await output.data();
  } finally {
    tf.dispose([input, output]);
  }
}

/** From shares of the region to pixels of the picture. */
function placed(box: Box, region: Square): Box {
  return {
    x: region.x + box.x * region.sidePx,
    y: region.y + box.y * region.sidePx,
    width: box.width * region.sidePx,
    height: box.height * region.sidePx,
  };
}

interface GraphFile {
  readonly modelTopology: object;
  readonly weightsManifest: readonly [
    { readonly paths: readonly [string]; readonly weights: tf.io.WeightsManifestEntry[] },
  ];
}

async function readGraph(folder: string): Promise<tf.io.ModelArtifacts> {
  try {
    const manifest = JSON.parse(await readFile(path.join(folder, "manifest.json"), "utf8")) as {
      readonly files: readonly { readonly file: string; readonly sha256: string }[];
    };
    const [graphBytes, weights] = await Promise.all(
      manifest.files.map((entry) => readChecked(folder, entry)),
    );
    if (!graphBytes || !weights) throw new Error("its manifest does not name a graph and its weights");
    const graph = JSON.parse(graphBytes.toString("utf8")) as GraphFile;
    return {
      modelTopology: graph.modelTopology,
      weightSpecs: graph.weightsManifest[0].weights,
      weightData: new Uint8Array(weights).buffer,
    };
  } catch (cause) {
    throw new KioskError("bad-model", `the face detector in ${folder} cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function readChecked(folder: string, entry: { file: string; sha256: string }): Promise<Buffer> {
  const bytes = await readFile(path.join(folder, entry.file));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== entry.sha256) {
    throw new Error(
      `${entry.file} has sha256 ${sha256}, its manifest says ${entry.sha256}; install it again`,
    );
  }
  return bytes;
}
