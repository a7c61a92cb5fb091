import { once } from 'node:events';
import { Router } from 'express';
import type { NodeParts } from '../../compose/node-parts.ts';
import { HttpError } from '../../http/http-error.ts';
import { type CliCommand, type NodeCommand, pathName } from '../definition/command.ts';
import { ALIVE_MS, failureOf, type WireMessage } from './wire.ts';

/**
 * POST /NAME: a command of another process, done here because this process owns the database. For operators.
 */
export function commandRoutes(load: () => Promise<readonly CliCommand[]>, parts: NodeParts): Router {
  const find = async (name: string) =>
    (await load()).filter(runsInNode).find((command) => pathName(command) === name);
  const router = Router();
  // One at a time: each may need as much memory as a study.
  let before: Promise<unknown> = Promise.resolve();
  router.post('/:name', async (request, response) => {
    const command = await find(request.params.name);
    if (!command) throw new HttpError('NOT_FOUND', `there is no command ${request.params.name}`);
    const { run } = command.prepare(request.body);
    const left = new AbortController();
    response.on('close', () => left.abort());
    response.type('application/x-ndjson');
    const say = (message: WireMessage) => void response.write(`${JSON.stringify(message)}\n`);
    const alive = setInterval(() => say({ alive: true }), ALIVE_MS);
    const turn = before.then(() =>
      run({
        ...parts,
        signal: left.signal,
        print: (line) => say({ print: line }),
        printed: async () => {
          if (response.writableNeedDrain) await once(response, 'drain', { signal: left.signal });
        },
        onProgress: (progress) => say({ progress }),
      }),
    );
    before = turn.catch(() => undefined);
    try {
      await turn;
      say({ done: true });
    } catch (error) {
      say(failureOf(error));
    } finally {
      clearInterval(alive);
      response.end();
    }
  });
  return router;
}

const runsInNode = (command: CliCommand): command is NodeCommand => command.runs === 'in-node';
