/** Where the models that come with maskgate lie, in the source tree as in the installed program. */
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with package.json, `models/` and `device/`: three levels above this file as compiled. */
export const packageFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

export const faceModelFolder = path.join(packageFolder, "models", "face-short");
export const maskModelFolder = path.join(packageFolder, "models", "mask-resnet50");
