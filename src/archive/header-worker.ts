import { answerJobs } from '../dicom/worker-side.ts';
import type { HeaderResult } from './header-pool.ts';
import { makeHeader, UnreadableInstance } from './instance-header.ts';

answerJobs(async (path: string): Promise<{ result: HeaderResult }> => {
  try {
    return { result: { made: await makeHeader(path) } };
  } catch (error) {
    if (!(error instanceof UnreadableInstance)) throw error;
    const { message, sopUid, sopClassUid } = error;
    return { result: { refused: message, sopUid, sopClassUid } };
  }
});
