import { answerJobs } from '../worker-side.ts';
import type { DecodeJob } from './decode-pool.ts';
import { decodeStoredValues } from './stored-values.ts';

answerJobs(async ({ encoded, format, transferSyntaxUid }: DecodeJob) => {
  const result = await decodeStoredValues(encoded, format, transferSyntaxUid);
  return { result, transfer: result.buffer instanceof ArrayBuffer ? [result.buffer] : [] };
});
