/** Starts the real daemon for demo and soak: everything but the places of files and what is asked for is the documented default. */
import { spawn, type ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface DaemonPlaces {
  readonly socketPath: string;
  readonly gpioFolder: string;
  readonly logFile: string;
}

/** Where a daemon that was started in `folder` has its socket, its simulated chip and its log. */
export function placesIn(folder: string): DaemonPlaces {
  return {
    socketPath: path.join(folder, "status.sock"),
    gpioFolder: path.join(folder, "gpio"),
    logFile: path.join(folder, "daemon.log"),
  };
}

/** `settings` are lines of TOML beside those of the places. */
export async function startDaemon(folder: string, settings: readonly string[]): Promise<ChildProcess> {
  const { socketPath, gpioFolder, logFile } = placesIn(folder);
  const config = path.join(folder, "maskgate.toml");
  const places = [
    `gpio.simulatorDir = ${JSON.stringify(gpioFolder)}`,
    `status.socketPath = ${JSON.stringify(socketPath)}`,
  ];
  await writeFile(config, [...settings, ...places, ""].join("\n"));
  const log = openSync(logFile, "w");
  const program = fileURLToPath(new URL("../src/main.js", import.meta.url));
  return spawn(process.execPath, [program, "run", "--config", config], { stdio: ["ignore", log, log] });
}
