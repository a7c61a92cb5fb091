import { z } from 'zod';
import type { DeadEarlier, DeadStudy } from '../../queue/dead-studies.ts';
import type { StudyQueue } from '../../queue/study-queue.ts';
import { StoreError } from '../../store/store-error.ts';
import { argument, flag, optionalText } from '../definition/field.ts';

const PAGE = { limit: 1_000, offset: 0 };

/** The studies that were given up, as many as are shown. */
export const givenUp = (queue: StudyQueue): Promise<readonly DeadStudy[]> => queue.dead(PAGE);

/** The same of work behind the others. */
export const givenUpBehind = (queue: StudyQueue): Promise<readonly DeadEarlier[]> => queue.deadBehind(PAGE);

/** One of the studies that were given up, or all of them. */
export const givenUpOptions = z
  .strictObject({
    studyInstanceUid: argument('[study]', 'its Study Instance UID', optionalText),
    all: flag('--all', 'every one of them'),
  })
  .refine(({ studyInstanceUid, all }) => all === (studyInstanceUid === undefined), 'name a study, or --all');

export async function chosenOf(
  queue: StudyQueue,
  { studyInstanceUid, all }: z.output<typeof givenUpOptions>,
): Promise<string[]> {
  if (all) return (await givenUp(queue)).map((study) => study.studyInstanceUid);
  return studyInstanceUid === undefined ? [] : [studyInstanceUid];
}

export function notGivenUp(studyInstanceUid: string): StoreError {
  return new StoreError(
    'STUDY_UNKNOWN',
    `study ${studyInstanceUid} is not among those that were given up; see \`queue list\``,
  );
}
