import { unpacked } from '../../dicom/reading/in-pieces.ts';
import { type Answered, answerJobs } from '../../dicom/worker-side.ts';
import { candidatesOf } from './candidates.ts';
import type { CandidatesJob } from './candidates-elsewhere.ts';
import type { CandidateSeries } from './select.ts';

answerJobs(async ({ seriesInstanceUid, headers }: CandidatesJob): Promise<Answered<CandidateSeries[]>> => {
  return { result: candidatesOf(seriesInstanceUid, headers.map(unpacked)) };
});
