import { deriveUid } from './dicom/uids.ts';
import type { Implementation } from './dicom/writing/write.ts';

/** This program, in files that it writes and on connections (PS3.7 D.3.3.2, PS3.10 table 7.1-1). */
export const IMPLEMENTATION: Implementation = {
  classUid: deriveUid('implementation class', 'pansegnet-node'),
  versionName: 'PANSEGNET_NODE_1',
};
