/** The face detector: MediaPipe's short-range model through @tensorflow-models/face-detection on the wasm backend of tfjs. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import {
  createDetector,
  MediaPipeFaceDetectorTfjs,
  SupportedModels,
} from "@tensorflow-models/face-detection";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Box, Face } from "../core/face.ts";
import type { Picture } from "./picture.ts";
import { cutSquare, type Square } from "./square.ts";

/** Side of the picture the model sees. */
export const detectorPx = 128;
const mostFacesOfRegion = 20;

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
  await startWasm();
  const detector = await createDetector(SupportedModels.MediaPipeFaceDetector, {
    runtime: "tfjs",
    modelType: "short",
    maxFaces: mostFacesOfRegion,
    detectorModelUrl: faceGraph(folder),
  });
  // Only the class itself gives the score of each face; the interface around it drops them.
  if (!(detector instanceof MediaPipeFaceDetectorTfjs)) {
    throw new KioskError("bad-model", "face-detection gave another detector than the one on tfjs");
  }
  return {
    detect: (picture, region) => detectIn(detector, picture, region),
    dispose: () => {
      detector.dispose();
    },
  };
}

/** Makes tfjs run on the wasm backend that lies beside its package. */
export async function startWasm(): Promise<void> {
  const require = createRequire(import.meta.url);
  const wasmFolder = path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${wasmFolder}${path.sep}`);
  if (!(await tf.setBackend("wasm"))) {
    throw new KioskError("bad-model", "the wasm backend of tfjs does not start");
  }
}

/** The graph on disk, in the form in which tfjs takes models. The benchmark also measures it by itself. */
export function faceGraph(folder: string): tf.io.IOHandler {
  return { load: () => readGraph(folder) };
}

async function detectIn(
  detector: MediaPipeFaceDetectorTfjs,
  picture: Picture,
  region: Square,
): Promise<Face[]> {
  const pixels = await cutSquare(picture, region, detectorPx, "black");
  const input = tf.tensor3d(pixels, [detectorPx, detectorPx, 3], "int32");
  try {
    const detections = await detector.detectFaces(input);
    return detections.flatMap(({ score, locationData: { relativeBoundingBox: box } }): Face[] =>
      box && score?.[0] !== undefined ? [{ score: score[0], box: placed(box, region) }] : [],
    );
  } finally {
    input.dispose();
  }
}

/** From shares of the region to pixels of the picture. */
function placed(box: Readonly<Record<"xMin" | "yMin" | "width" | "height", number>>, region: Square): Box {
  return {
    x: region.x + box.xMin * region.sidePx,
    y: region.y + box.yMin * region.sidePx,
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
