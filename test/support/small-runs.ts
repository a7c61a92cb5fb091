import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { composeRun } from '../../src/compose/run.ts';
import { loadConfig } from '../../src/config.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import type { RunParts } from '../../src/pipeline/run/run-parts.ts';
import { runStudy, type StudyOutcome } from '../../src/pipeline/run-study.ts';
import type { SegmentedClass } from '../../src/pipeline/selection/rules.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { writeSmallModels } from './small-models.ts';

export interface SmallRuns {
  readonly archive: DicomWebClient;
  readonly database: Database;
  readonly parts: RunParts;
  /** The whole main path for a study that the archive holds. */
  process(studyInstanceUid: string, forced?: ForcedClass): Promise<StudyOutcome>;
  stop(): Promise<void>;
}

interface ForcedClass {
  readonly seriesInstanceUid: string;
  readonly class: SegmentedClass;
}

/**
 * The main path on an archive with the smallest models: real, but fast, so that a test can run many studies.
 * @param results replaces keys of that section of the configuration
 */
export async function startSmallRuns(
  archiveUrl: string,
  results: Readonly<Record<string, unknown>> = {},
): Promise<SmallRuns> {
  const folder = await mkdtemp(path.join(tmpdir(), 'small-runs-'));
  const config = loadConfig({
    environment: {},
    overrides: {
      models: await writeSmallModels(folder),
      inference: { threads: 1 },
      results,
    },
  });
  const archive = new DicomWebClient({ url: archiveUrl });
  const database = await openDatabase({ memory: true });
  const parts = await composeRun(config, { archive, database, warn: () => {} });
  return {
    archive,
    database,
    parts,
    process: (studyInstanceUid, forced) =>
      runStudy({ studyInstanceUid, requestId: randomUUID() }, parts, undefined, forced),
    stop: async () => {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
