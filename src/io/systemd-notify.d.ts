/** Types of the package systemd-notify, which brings none. */
declare module "systemd-notify" {
  /** Runs the program systemd-notify; rejects with what it wrote on stderr, or with why it could not be started. */
  export default function notify(options: {
    readonly ready?: boolean;
    readonly status?: string;
    readonly pid?: number;
  }): Promise<unknown>;
}
