/** The version of maskgate, from the one place that states it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageFolder } from "./vision/packaged.ts";

const { version: stated } = JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8")) as {
  readonly version: string;
};

export const version = stated;
