/** What the vision needs of the configuration; the daemon and the commands on pictures share it. */
import path from "node:path";
import type { Config } from "./config-schema.ts";
import type { Place } from "./core/update-record.ts";
import { faceModelFolder, maskModelFolder } from "./vision/packaged.ts";
import type { PipelineSettings } from "./vision/pipeline.ts";

/** Where the model of a place lies; a configured folder goes before all places. */
export function modelFolder({ model, update }: Config, place: Place): string {
  if (model.folder !== "") return model.folder;
  return place === "packaged" ? maskModelFolder : path.join(update.stateFolder, place);
}

/** Without a folder: the configured model, or the one that comes with maskgate. */
export function pipelineSettings(config: Config, folder = modelFolder(config, "packaged")): PipelineSettings {
  const { faces, model } = config;
  const { providers, precision, threads } = model;
  return { faceModelFolder, faces, classifier: { folder, providers, precision, threads } };
}
