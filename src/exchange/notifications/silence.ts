import type { JobEngine } from '../../queue/job-engine.ts';
import { hasArrivedSince } from '../../store/arrivals/last-arrival.ts';
import { forgetSetting, readSetting, settingMadeOnce } from '../../store/records/settings.ts';
import { putMessage } from './outbox.ts';

const HOUR_MS = 3_600_000;
/** Since when it is looked; and since when it is silent, where that was told. */
const [WATCHED, TOLD] = ['arrivals-watched-since', 'silence-told'] as const;

/** Puts a message where no study has arrived for so many hours: once, until one has. */
export async function tellSilence(
  engine: JobEngine,
  { hours, channels, now }: { hours: number | null; channels: readonly string[]; now: Date },
): Promise<void> {
  const { database } = engine;
  if (hours === null) {
    // Switched on later, it counts from then.
    if ((await readSetting(database, WATCHED)) === undefined) return;
    for (const name of [WATCHED, TOLD]) await forgetSetting(database, name);
    return;
  }
  const since = new Date(now.getTime() - hours * HOUR_MS);
  const watched = await settingMadeOnce(database, WATCHED, now.toISOString());
  if (Date.parse(watched) > since.getTime()) return;
  if (await hasArrivedSince(database, since)) {
    if ((await readSetting(database, TOLD)) !== undefined) await forgetSetting(database, TOLD);
    return;
  }
  if ((await readSetting(database, TOLD)) !== undefined) return;
  const at = now.toISOString();
  const message = { event: 'nothing.arrived', at, hours } as const;
  await database.transaction(async (sql) => {
    const told = await settingMadeOnce(sql, TOLD, at);
    // Another process may have been first; with the same time, its message is the same.
    if (told !== at) return;
    for (const channel of channels) await putMessage(engine, sql, { key: `silence ${at}`, message }, channel);
  });
}
