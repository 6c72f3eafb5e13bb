/** The whole way from a frame to an observation, stage by stage: decode, detect, crop, classify. */
import type { Frame } from "../core/frame.ts";
import type { Search } from "../core/ports.ts";
import type { Observation, Verdict } from "../core/verdict.ts";
import { loadClassifier, type Classifier, type ClassifierSettings } from "./classifier.ts";
import { cropFace } from "./crop.ts";
import { loadFaceDetector, type FaceDetector } from "./detector.ts";
import { findFaces, type FaceSettings } from "./find-faces.ts";
import { decode, pictureOf, type Picture } from "./picture.ts";
import { signsOf } from "./picture-signs.ts";

export interface PipelineSettings {
  readonly faceModelFolder: string;
  readonly faces: FaceSettings;
  readonly classifier: ClassifierSettings;
}

export interface Pipeline {
  readonly detector: FaceDetector;
  readonly classifier: Classifier;
  readonly faces: FaceSettings;
}

/** @throws KioskError bad-model */
export async function loadPipeline(settings: PipelineSettings): Promise<Pipeline> {
  // The classifier first: its files are the user's to set, so its errors are the likelier ones.
  const classifier = await loadClassifier(settings.classifier);
  const detector = await loadFaceDetector(settings.faceModelFolder);
  return { detector, classifier, faces: settings.faces };
}

export async function disposePipeline(pipeline: Pipeline): Promise<void> {
  pipeline.detector.dispose();
  await pipeline.classifier.dispose();
}

/** @throws KioskError bad-picture */
export async function look(pipeline: Pipeline, frame: Frame, search: Search): Promise<Observation> {
  const startMs = performance.now();
  const picture = await pictureOfFrame(frame);
  const signs = signsOf(picture);
  const decodeMs = performance.now() - startMs;
  const { verdicts, ...stages } = await lookAt(pipeline, picture, search);
  return {
    seq: frame.seq,
    capturedAtMs: frame.capturedAtMs,
    widthPx: picture.widthPx,
    heightPx: picture.heightPx,
    signs,
    verdicts,
    stages: { decodeMs, ...stages },
  };
}

/** What the pipeline says of a decoded picture, and how long each stage took. */
export interface Sight {
  readonly verdicts: readonly Verdict[];
  readonly detectMs: number;
  readonly cropMs: number;
  readonly classifyMs: number;
}

/** Detects, crops and classifies; all faces go through the classifier in one batch. */
export async function lookAt(pipeline: Pipeline, picture: Picture, search: Search): Promise<Sight> {
  const startMs = performance.now();
  const faces = await findFaces(pipeline.detector, picture, search, pipeline.faces);
  const detectedMs = performance.now();
  const crops = await Promise.all(faces.map((face) => cropFace(picture, face.box)));
  const croppedMs = performance.now();
  const masked = await pipeline.classifier.classify(crops);
  return {
    verdicts: faces.map((face, n) => ({ face, masked: masked[n] ?? 0 })),
    detectMs: detectedMs - startMs,
    cropMs: croppedMs - detectedMs,
    classifyMs: performance.now() - croppedMs,
  };
}

async function pictureOfFrame(frame: Frame): Promise<Picture> {
  // A Buffer over the shared memory is a view: nothing is copied on the way from the camera.
  const bytes = Buffer.from(frame.memory, 0, frame.sizeBytes);
  return frame.encoding === "file" ? decode(bytes) : pictureOf(bytes, frame.widthPx, frame.heightPx);
}
