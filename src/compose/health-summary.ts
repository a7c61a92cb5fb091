import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { HealthItem, NodeHealth } from '../http/api/api-parts.ts';
import { time } from '../http/pages/format.ts';
import { TEXTS } from '../http/pages/texts.ts';
import { diskSpace } from '../metrics/disk-space.ts';
import type { Readiness } from '../metrics/readiness.ts';
import { describeFailure } from '../pipeline/failures.ts';
import type { ModelNames } from '../pipeline/run/models.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';
import { nodeFigures } from './node-figures.ts';
import { dataFolders } from './observation.ts';

/** A page does not wait longer for a part that does not answer; it shows what was known before. */
const PATIENCE_MS = 300;
/** Below this share of a disk, or this much, results may soon find no room. */
const LITTLE_SHARE = 0.05;
const LITTLE_BYTES = 2e9;
const GIGABYTE = 1e9;

const T = TEXTS.health;

/** For so long what was found counts; then it is said that nobody knows. */
const COUNTS_MS = 10_000;

/** How the parts of the node are, in words for people. A part that does not answer is never shown as good. */
export function nodeHealth(
  config: Config,
  {
    database,
    queue,
    readiness,
    models,
    now,
  }: {
    database: Database;
    queue: StudyQueue;
    readiness: Readiness;
    models: () => ModelNames;
    now: () => Date;
  },
): () => Promise<NodeHealth> {
  const asked = [
    new Glance(['archive', 'models', 'database'], () => readyParts(models(), readiness), now),
    new Glance(['queue'], async () => [await queueItem(queue)], now),
    new Glance(['disk'], async () => [await diskItem(config)], now),
  ];
  return async () => {
    const figures = nodeFigures(database, now()).catch(() => undefined);
    const looks = await Promise.all(asked.map((glance) => glance.look()));
    const times = looks.map(({ at }) => at.getTime());
    return {
      items: looks.flatMap(({ items }) => items),
      lookedAt: new Date(Math.min(...times)),
      figures: await Promise.race([figures, patience()]),
    };
  };
}

const patience = (): Promise<undefined> => delay(PATIENCE_MS, undefined, { ref: false });

interface Seen {
  readonly items: readonly HealthItem[];
  readonly at: Date;
}

/** Parts that are asked together, and what they last answered. */
class Glance {
  readonly #parts: readonly HealthItem['part'][];
  readonly #ask: () => Promise<HealthItem[]>;
  readonly #now: () => Date;
  #last: Seen | undefined;

  constructor(parts: readonly HealthItem['part'][], ask: () => Promise<HealthItem[]>, now: () => Date) {
    this.#parts = parts;
    this.#ask = ask;
    this.#now = now;
  }

  async look(): Promise<Seen> {
    const at = this.#now();
    const asking = this.#ask().then(
      (items) => (this.#last = { items, at }),
      () => undefined,
    );
    const seen = (await Promise.race([asking, patience()])) ?? this.#last;
    if (seen && at.getTime() - seen.at.getTime() < COUNTS_MS) return seen;
    const items = this.#parts.map((part): HealthItem => {
      const before = seen?.items.find((one) => one.part === part);
      const text = before && seen ? T.unknownSince(before.text, time(seen.at)) : T.unknown;
      return { part, state: 'unknown', text };
    });
    return { items, at };
  }
}

async function readyParts(models: ModelNames, readiness: Readiness): Promise<HealthItem[]> {
  const looks = await readiness.look();
  const names = Object.values(models).filter((name) => name !== null);
  return (['archive', 'models', 'database'] as const).flatMap((part): HealthItem[] => {
    const found = looks.find((one) => one.part === part);
    if (!found) return [];
    if (found.error !== undefined) return [{ part, state: 'bad', text: describeFailure(found.error).reason }];
    if (part !== 'models') return [{ part, state: 'good', text: T.answers }];
    return names.length > 0
      ? [{ part, state: 'good', text: names.join(', ') }]
      : [{ part, state: 'warning', text: T.noModels }];
  });
}

async function queueItem(queue: StudyQueue): Promise<HealthItem> {
  const { waiting, active, dead } = await queue.counts();
  const mode = await queue.mode();
  const behind = await queue.behind();
  const isAnyBehind = behind.waiting + behind.active + behind.dead > 0;
  const behindThem = isAnyBehind ? T.behind(behind.waiting, behind.active, behind.dead) : '';
  const text = T.queue(waiting, active, dead) + T.modes[mode] + behindThem;
  const isGood = dead + behind.dead === 0 && mode === 'running';
  return { part: 'queue', state: isGood ? 'good' : 'warning', text };
}

async function diskItem(config: Config): Promise<HealthItem> {
  const spaces = await Promise.all(Object.values(dataFolders(config)).map(diskSpace));
  const [least] = spaces.toSorted((a, b) => a.freeBytes - b.freeBytes);
  if (!least) return { part: 'disk', state: 'good', text: '' };
  const { freeBytes, sizeBytes } = least;
  const isLittle = freeBytes < LITTLE_BYTES || freeBytes < LITTLE_SHARE * sizeBytes;
  const text = T.disk(Math.floor(freeBytes / GIGABYTE), Math.floor(sizeBytes / GIGABYTE));
  return { part: 'disk', state: isLittle ? 'warning' : 'good', text };
}
