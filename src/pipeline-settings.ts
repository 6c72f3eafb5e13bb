/** What the vision needs of the configuration; the daemon and the commands on pictures share it. */
import type { Config } from "./config-schema.ts";
import { faceModelFolder, maskModelFolder } from "./vision/packaged.ts";
import type { PipelineSettings } from "./vision/pipeline.ts";

export function pipelineSettings({ faces, model }: Config): PipelineSettings {
  return {
    faceModelFolder,
    faces,
    classifier: {
      folder: model.folder === "" ? maskModelFolder : model.folder,
      providers: model.providers,
      precision: model.precision,
      threads: model.threads,
    },
  };
}
