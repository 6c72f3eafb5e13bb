/** The commands on pictures, `classify` and `crops`: everything that was typed is checked before a model is loaded. */
import { classifyPictures, picturesToClassify } from "./classify.ts";
import type { Command } from "./command-line.ts";
import type { Config } from "./config-schema.ts";
import { loadConfig } from "./config.ts";
import { KioskError } from "./core/errors.ts";
import { writeCrops } from "./crops.ts";
import { makeFolder, pictureFiles } from "./picture-files.ts";
import { pipelineSettings } from "./pipeline-settings.ts";
import { loadFaceDetector } from "./vision/detector.ts";
import { disposePipeline, loadPipeline, type PipelineSettings } from "./vision/pipeline.ts";

/** Where lines go: results, and what people should hear besides. */
export interface Output {
  readonly write: (line: string) => void;
  readonly complain: (line: string) => void;
}

/**
 * On pictures everything is told that the detector takes for a face, with its score; the door asks for more
 * (`faces.minScore`), because what is no face must never open it.
 */
const reportedScore = 0.5;

function settingsForPictures(config: Config): PipelineSettings {
  const { faces, ...rest } = pipelineSettings(config);
  return { ...rest, faces: { ...faces, minScore: Math.min(faces.minScore, reportedScore) } };
}

/**
 * `maskgate classify`.
 * @returns how many pictures could not be read
 * @throws KioskError
 */
export async function classify({ flags, paths, values }: Command, out: Output): Promise<number> {
  const isJson = flags.has("json");
  const config = loadConfig(values.get("config"));
  const annotateFolder = values.get("annotate");
  const pictures = await picturesToClassify(paths, annotateFolder);
  const pipeline = await loadPipeline(settingsForPictures(config));
  const { model } = pipeline.classifier;
  for (const { provider, reason } of isJson ? [] : model.passedOver) {
    out.write(`provider ${provider} does not run (${reason}); ${model.provider} does`);
  }
  const unreadable = await classifyPictures(pipeline, pictures, {
    isJson,
    annotateFolder,
    threshold: config.access.threshold ?? model.threshold,
    ...out,
  });
  await disposePipeline(pipeline);
  return unreadable;
}

/**
 * `maskgate crops`.
 * @returns how many pictures could not be read
 * @throws KioskError
 */
export async function crops({ paths, values }: Command, { write, complain }: Output): Promise<number> {
  const out = values.get("out");
  if (out === undefined) throw new KioskError("bad-usage", "crops: say with --out DIR where to");
  const { faceModelFolder, faces } = settingsForPictures(loadConfig(values.get("config")));
  const pictures = await pictureFiles(paths);
  await makeFolder("--out", out);
  const detector = await loadFaceDetector(faceModelFolder);
  const result = await writeCrops(pictures, detector, { out, faces, complain });
  write(`${result.faces} crops of ${result.pictures} pictures in ${out}; ${result.unreadable} not readable`);
  return result.unreadable;
}
