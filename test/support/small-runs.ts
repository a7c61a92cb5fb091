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
  /** What a node would work with that was started now. */
  readonly compose: (mode?: string) => Promise<RunParts>;
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
  const models = await writeSmallModels(folder);
  const compose = (mode = 'auto') => {
    const overrides = { models, inference: { threads: 1, mode }, results };
    const config = loadConfig({ environment: {}, overrides });
    return composeRun(config, { archive, database, warn: () => {} });
  };
  const archive = new DicomWebClient({ url: archiveUrl });
  const database = await openDatabase({ memory: true });
  const parts = await compose();
  return {
    archive,
    database,
    parts,
    compose,
    process: (studyInstanceUid, forced) =>
      runStudy({ studyInstanceUid, requestId: randomUUID() }, parts, undefined, forced),
    stop: async () => {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
