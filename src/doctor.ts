/** `maskgate doctor`: looks at everything a door needs, says what is wrong and what to do. It takes no line and changes nothing. */
import { loadConfig } from "./config.ts";
import { findingsText, info, ok, type Finding } from "./doctor-finding.ts";
import { hostFindings } from "./doctor-host.ts";
import { lineFindings, partFindings } from "./doctor-parts.ts";
import { monotonicClock } from "./io/clock.ts";
import { thisHost, type Host } from "./io/host.ts";

export interface DoctorOptions {
  readonly configFile: string | undefined;
  readonly isJson: boolean;
  readonly write: (line: string) => void;
}

/**
 * Prints all rows; true if none of them failed.
 * @throws KioskError bad-config: nothing can be looked at without a configuration
 */
export async function doctor(options: DoctorOptions, host: Host = thisHost): Promise<boolean> {
  const { configFile, isJson, write } = options;
  const config = loadConfig(configFile);
  const findings: readonly Finding[] = [
    configFile === undefined
      ? info("configuration", "none was named: these are the defaults (--config /etc/maskgate/config.toml)")
      : ok("configuration", configFile),
    ...hostFindings(host, config),
    ...(await lineFindings(config)),
    ...(await partFindings(config, monotonicClock())),
  ];
  const isWell = findings.every(({ kind }) => kind !== "fail");
  write(isJson ? JSON.stringify({ isWell, findings }) : findingsText(findings));
  return isWell;
}
