/** Whether a daemon runs, asked of its status socket without saying or reading anything there, or is just being started. */
import { connect } from "node:net";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Host } from "./host.ts";

/** Nobody listens: no socket, a stale one, or not even its folder, which systemd removes with the service. */
const absent = ["ENOENT", "ENOTDIR", "ECONNREFUSED"];

/**
 * True if the socket answers.
 * @throws KioskError socket-failed if that cannot be found out, which is no permission to go on
 */
export function isDaemonAlive(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? "";
      if (absent.includes(code)) resolve(false);
      // A full backlog is a daemon's, too.
      else if (code === "EAGAIN") resolve(true);
      else reject(unknown(socketPath, error));
    });
  });
}

/** A daemon opens its camera first and its socket last, and a model takes seconds to load: systemd knows of it before. */
export function isDaemonStarting(host: Host): boolean {
  return host.hasSystemd() && host.unit("maskgate.service", "ActiveState") === "activating";
}

function unknown(socketPath: string, error: NodeJS.ErrnoException): KioskError {
  const reason =
    error.code === "EACCES"
      ? "no permission to ask whether a daemon runs; be root, or join the socket's group"
      : `it cannot be asked whether a daemon runs: ${messageOf(error)}`;
  return new KioskError("socket-failed", `${socketPath}: ${reason}`, { cause: error });
}
