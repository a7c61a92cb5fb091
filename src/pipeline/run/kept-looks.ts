import { z } from 'zod';
import { APPEARANCES } from '../../segmentation/plausibility.ts';
import { freezeInput, lastInput, type Run } from '../../store/records/run-log.ts';
import { type Look, PIXEL_VERDICTS, type RankedSeries } from './contest.ts';
import type { RunParts } from './run-parts.ts';

const lookSchema: z.ZodType<Look> = z.object({
  appearance: z.enum([...APPEARANCES, ...PIXEL_VERDICTS]),
  volumeMl: z.number(),
});

/**
 * What was seen in series that were tried, kept with the run: one that is begun again comes to the same
 * result, and one that restates results to that of the run before.
 */
export function keptLooks(run: Run, restate: boolean, { database, models, mode }: RunParts) {
  const slotOf = async (series: RankedSeries): Promise<string> => {
    const { sha256 } = await models.load(series.class);
    return ['look', series.seriesInstanceUid, series.part?.name ?? '', sha256, mode].join(' ');
  };
  return {
    recall: async (series: RankedSeries): Promise<Look | undefined> =>
      lastInput(
        database,
        restate ? { studyInstanceUid: run.studyInstanceUid } : run,
        await slotOf(series),
        lookSchema,
      ),
    remember: async (series: RankedSeries, { appearance, volumeMl }: Look): Promise<void> => {
      const look = { appearance, volumeMl };
      if (!restate) await freezeInput(database, run, await slotOf(series), lookSchema, async () => look);
    },
  };
}
