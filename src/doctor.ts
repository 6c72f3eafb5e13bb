/** `maskgate doctor`: looks at everything a door needs, says what is wrong and what to do. It takes no line and changes nothing. */
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError } from "./core/errors.ts";
import { fail, findingsText, info, ok, warn, type Finding } from "./doctor-finding.ts";
import { hostFindings } from "./doctor-host.ts";
import { chipFilesOf, exitFindings, lineFindings } from "./doctor-lines.ts";
import { partFindings } from "./doctor-parts.ts";
import { permissionFindings } from "./doctor-permissions.ts";
import { serviceFindings } from "./doctor-service.ts";
import { monotonicClock } from "./io/clock.ts";
import { thisHost, type Host } from "./io/host.ts";

export interface DoctorOptions {
  readonly configFile: string | undefined;
  readonly isJson: boolean;
  readonly write: (line: string) => void;
}

/** A wall clock that runs so far away from the monotonic one while we look was set meanwhile. */
const mostJumpMs = 500;

/** Prints all rows, those that take seconds when they are there; true if none of them failed. */
export async function doctor(options: DoctorOptions, host: Host = thisHost): Promise<boolean> {
  const findings: Finding[] = [];
  const tell = (found: readonly Finding[]): void => {
    findings.push(...found);
    if (!options.isJson && found.length > 0) options.write(findingsText(found));
  };
  const clock = monotonicClock();
  const skewMs = (): number => host.wallClockS() * 1000 - clock.nowMs();
  const before = skewMs();
  const { config, rows } = configured(options.configFile);
  tell([...rows, ...hostFindings(host)]);
  if (config !== undefined) {
    tell([
      ...serviceFindings(host, config),
      ...permissionFindings(host, config, await chipFilesOf(config)),
      ...(await lineFindings(config, host.compatible())),
      ...exitFindings(config),
    ]);
    for await (const found of partFindings(config, clock, host)) tell(found);
  }
  tell(jumped(skewMs() - before));
  const isWell = findings.every(({ kind }) => kind !== "fail");
  if (options.isJson) options.write(JSON.stringify({ isWell, findings }));
  return isWell;
}

/** Without a configuration that can be used, only the machine is looked at. */
function configured(file: string | undefined): {
  readonly config?: Config;
  readonly rows: readonly Finding[];
} {
  const name = "configuration";
  try {
    const config = loadConfig(file);
    const text = "none was named: these are the defaults (--config /etc/maskgate/config.toml)";
    return { config, rows: [file === undefined ? info(name, text) : ok(name, file)] };
  } catch (error) {
    if (!(error instanceof KioskError)) throw error;
    const mend = "correct it: without it neither services, lines, camera nor model are looked at";
    return { rows: error.message.split("\n").map((line) => fail(name, line, mend)) };
  }
}

function jumped(byMs: number): readonly Finding[] {
  if (Math.abs(byMs) < mostJumpMs) return [];
  const text = `the time of day jumped by ${(byMs / 1000).toFixed(1)} s while this ran`;
  return [warn("clock", text, "once is a time server's doing; if it stays so, look at who sets the clock")];
}
