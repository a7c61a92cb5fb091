import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

/** Takes the types out of modules; started with Node's warning about the experimental function turned off. */
const scripts = z
  .array(z.string())
  .parse(workerData)
  .map((source) => stripTypeScriptTypes(source));
parentPort?.postMessage(scripts, []);
