/** A thread that asks a node without credentials, on many connections, as fast as it is answered. */
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

interface Attack {
  readonly port: number;
  readonly connections: number;
}
const { port, connections } = workerData as Attack;

const LOGIN = 'token=wrong';
const REQUESTS = [
  'GET /api/studies HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer wrong\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: n\r\n\r\n',
  `POST /login HTTP/1.1\r\nHost: n\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${LOGIN.length}\r\n\r\n${LOGIN}`,
  `GET /patients/${'x'.repeat(7_000)} HTTP/1.1\r\nHost: n\r\n\r\n`,
  'GET /api/studies HTTP/1.1\r\nHost: n\r\nCookie: pansegnet-session=guess\r\n\r\n',
  'GET /login HTTP/1.1\r\nHost: n\r\n\r\n',
  'GET /readyz HTTP/1.1\r\nHost: n\r\n\r\n',
  'POST /dicom-web/studies HTTP/1.1\r\nHost: n\r\nContent-Type: multipart/related\r\nContent-Length: 9000000\r\n\r\nxxx',
];

let answered = 0;
parentPort?.on('message', () => {
  parentPort?.postMessage(answered, []);
  process.exit();
});
for (let one = 0; one < connections; one++) attack(one);

/** Each connection goes through all kinds; one that is ended is made again. */
function attack(turn: number): void {
  const next = () => socket.write(REQUESTS[turn++ % REQUESTS.length] ?? '');
  const socket = net.connect(port, '127.0.0.1', next);
  socket.on('data', () => {
    answered += 1;
    next();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => setImmediate(() => attack(turn)));
}
