import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

/** Takes the types out of modules; started with Node's warning about the experimental function turned off. */
parentPort?.postMessage(
  z
    .array(z.string())
    .parse(workerData)
    .map((source) => stripTypeScriptTypes(source)),
);
