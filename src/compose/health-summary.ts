import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { HealthItem } from '../http/api/api-parts.ts';
import { TEXTS } from '../http/pages/texts.ts';
import { diskSpace } from '../metrics/disk-space.ts';
import type { Readiness } from '../metrics/readiness.ts';
import { describeFailure } from '../pipeline/failures.ts';
import type { ModelNames } from '../pipeline/run/models.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import { dataFolders } from './observation.ts';

/** A page does not wait longer for a part that does not answer; it shows what was known before. */
const PATIENCE_MS = 300;
/** Below this share of a disk, or this much, results may soon find no room. */
const LITTLE_SHARE = 0.05;
const LITTLE_BYTES = 2e9;
const GIGABYTE = 1e9;

const T = TEXTS.health;

/** How the parts of the node are, in words for people. */
export function nodeHealth(
  config: Config,
  { queue, readiness, models }: { queue: StudyQueue; readiness: Readiness; models: () => ModelNames },
): () => Promise<readonly HealthItem[]> {
  let last: readonly HealthItem[] = [];
  const look = async (): Promise<readonly HealthItem[]> => {
    last = [...(await readyParts(models(), readiness)), await queueItem(queue), await diskItem(config)];
    return last;
  };
  return async () => {
    const looking = look().catch(() => last);
    return Promise.race([looking, delay(PATIENCE_MS, undefined, { ref: false }).then(() => last)]);
  };
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
