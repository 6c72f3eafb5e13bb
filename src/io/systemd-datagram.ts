/**
 * Datagrams to the service manager's socket, sd_notify(3). Node has no datagram sockets of the Unix kind, so socket and sendto
 * are called through koffi: 3 µs a message, where starting the program systemd-notify holds the event loop for 16 ms.
 */
import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";

const afUnix = 1;
const sockDgram = 2;
const sockCloexec = 0o2000000;
const msgDontwait = 0x40;
const msgNosignal = 0x4000;

/** Sends without waiting; throws an Error whose message begins with the name of the errno. */
export interface NotifySocket extends Disposable {
  send(message: string): void;
}

/** Opens the socket to `address`: a path, or `@name` for Linux' abstract names. */
export async function openNotifySocket(address: string): Promise<NotifySocket> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load(null);
  const socket = library.func("int socket(int domain, int type, int protocol)") as (
    ...args: number[]
  ) => number;
  const sendto = library.func(
    "long sendto(int fd, const void *data, size_t size, int flags, const void *to, unsigned int toSize)",
  ) as (fd: number, data: Buffer, size: number, flags: number, to: Buffer, toSize: number) => number;
  const failed = (call: string): Error =>
    new Error(`${getSystemErrorName(-koffi.errno())}: ${call} ${address}`);

  const to = socketAddress(address);
  const fd = socket(afUnix, sockDgram | sockCloexec, 0);
  if (fd < 0) throw failed("socket");
  return {
    send(message) {
      const data = Buffer.from(message);
      if (sendto(fd, data, data.length, msgDontwait | msgNosignal, to, to.length) < 0) throw failed("sendto");
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

/** struct sockaddr_un: the family in the machine's byte order, then the path with its zero, or a zero and the abstract name. */
function socketAddress(address: string): Buffer {
  const isAbstract = address.startsWith("@");
  const name = isAbstract ? `\0${address.slice(1)}` : `${address}\0`;
  const family = new Uint8Array(Uint16Array.of(afUnix).buffer);
  return Buffer.concat([family, Buffer.from(name)]);
}
