import type { Registry } from 'prom-client';
import type { QueueFigures } from '../queue/queue-figures.ts';
import type { ExitFigures } from '../store/exchange/outgoing.ts';
import type { DiskSpace } from './disk-space.ts';
import { addGauge, type Sample } from './gauge.ts';

/**
 * What the node asks when it is scraped. Each may fail: then its metrics are absent, and the others are
 * there.
 */
export interface NodeState {
  readonly queue: () => Promise<QueueFigures>;
  /** The same of what is worked on when nothing else waits. */
  readonly behind: () => Promise<QueueFigures>;
  /** Where the node writes, by a name such as `database`: the label of the metric. */
  readonly disks: () => Promise<Readonly<Record<string, DiskSpace>>>;
  /** Bytes of received instances that are not yet in the archive. */
  readonly spoolBytes: () => Promise<number>;
  /** What is to be sent to other systems. */
  readonly exits: () => Promise<readonly ExitFigures[]>;
  /** Whether each part that the work needs can be used. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
}

/** Adds what is only known when it is asked for: the queue, the disks, the spool, what can be used. */
export function addNodeState(registry: Registry, state: NodeState): void {
  addQueue(registry, state);
  addStorage(registry, state);
  addReadiness(registry, state.readiness);
  addExits(registry, state.exits);
}

function addQueue(registry: Registry, { queue: figures, behind }: NodeState): void {
  const states = 'Studies in the queue: waiting, retrying (after a failure), active, dead (failed for good).';
  addGauge(registry, 'pansegnet_queue_studies', states, ['state'], async () => {
    const { oldestWaitingSeconds: _age, ...counts } = await figures();
    return Object.entries(counts).map(([state, count]) => [{ state }, count]);
  });
  const statesBehind =
    'The same of work that waits behind them: earlier studies, and what is to be measured again.';
  addGauge(registry, 'pansegnet_queue_behind_studies', statesBehind, ['state'], async () => {
    const { oldestWaitingSeconds: _age, ...counts } = await behind();
    return Object.entries(counts).map(([state, count]) => [{ state }, count]);
  });
  const age = 'How long the study has waited that has waited longest; 0 where none waits.';
  addGauge(registry, 'pansegnet_queue_oldest_waiting_seconds', age, [], async () => [
    [{}, (await figures()).oldestWaitingSeconds],
  ]);
}

function addStorage(registry: Registry, { disks, spoolBytes }: NodeState): void {
  const spaces = async (bytes: keyof DiskSpace) =>
    Object.entries(await disks()).map(([folder, space]): Sample => [{ folder }, space[bytes]]);
  const free = 'What is free for the node on the file system that a folder of it is on.';
  addGauge(registry, 'pansegnet_disk_free_bytes', free, ['folder'], () => spaces('freeBytes'));
  const size = 'Size of the file system that a folder of the node is on.';
  addGauge(registry, 'pansegnet_disk_size_bytes', size, ['folder'], () => spaces('sizeBytes'));
  const spool = 'Received instances that are not in the archive yet.';
  addGauge(registry, 'pansegnet_spool_bytes', spool, [], async () => [[{}, await spoolBytes()]]);
}

function addReadiness(registry: Registry, readiness: NodeState['readiness']): void {
  const help = '1 where the part can be used, 0 where it cannot: database, archive, models, queue, audit.';
  addGauge(registry, 'pansegnet_ready', help, ['part'], async () =>
    Object.entries(await readiness()).map(([part, ok]) => [{ part }, ok ? 1 : 0]),
  );
}

function addExits(registry: Registry, exits: NodeState['exits']): void {
  const help =
    'Messages about results that are to go to other systems: waiting, or failed (sent again on demand).';
  addGauge(registry, 'pansegnet_result_messages', help, ['exit', 'state'], async () =>
    (await exits()).flatMap(({ exit, waiting, failed }): Sample[] => [
      [{ exit, state: 'waiting' }, waiting],
      [{ exit, state: 'failed' }, failed],
    ]),
  );
  const age =
    'How long the message has waited that has waited longest for another system; 0 where none waits.';
  addGauge(registry, 'pansegnet_result_messages_oldest_waiting_seconds', age, ['exit'], async () =>
    (await exits()).map(({ exit, oldestWaitingSeconds }): Sample => [{ exit }, oldestWaitingSeconds]),
  );
}
