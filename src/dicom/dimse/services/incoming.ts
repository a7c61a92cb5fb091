import { TooMuchToRead } from '../../dicom-error.ts';
import { GatheredBytes } from '../../gathered-bytes.ts';
import { isUid } from '../../uids.ts';
import { fileMeta } from '../../writing/file-meta.ts';
import type { Implementation } from '../../writing/write.ts';
import type { Command } from '../wire/command.ts';
import { MalformedPdu } from '../wire/pdu.ts';

/** An instance that came by C-STORE. */
export interface ReceivedInstance {
  readonly sopInstanceUid: string;
  /** As a file (PS3.10): the data set byte for byte, behind file meta information of this side. */
  readonly bytes: Uint8Array;
}

/** How much of each instance is taken into memory. */
export interface Taken {
  /** Most bytes that one may have. */
  readonly mostBytes: number;
  /** Of longer ones the beginning is taken, and the rest thrown away. */
  readonly cut: boolean;
}

/** The data set of a C-STORE request as a file. @throws TooMuchToRead; MalformedPdu */
export async function received(
  { command, data }: { readonly command: Command; readonly data: AsyncIterable<Uint8Array> },
  transferSyntaxUid: string,
  sender: { readonly aeTitle: string; readonly implementation: Implementation },
  { mostBytes, cut }: Taken,
): Promise<ReceivedInstance> {
  const { affectedSopClassUid: sopClassUid = '', affectedSopInstanceUid: sopUid = '' } = command;
  if (!isUid(sopClassUid) || !isUid(sopUid)) throw new MalformedPdu('an instance without its UIDs');
  const bytes = new GatheredBytes();
  const { classUid: implementationClassUid, versionName: implementationVersionName } = sender.implementation;
  const source = { implementationClassUid, implementationVersionName, sourceAeTitle: sender.aeTitle };
  bytes.add(fileMeta({ sopClassUid, sopUid, transferSyntaxUid, ...source }));
  for await (const chunk of data) {
    const room = mostBytes - bytes.size;
    if (chunk.length <= room) bytes.add(chunk);
    else if (cut) bytes.add(chunk.subarray(0, Math.max(0, room)));
    else {
      const what = `instance ${sopUid} has more than ${mostBytes} bytes: more is not taken into memory`;
      throw new TooMuchToRead('DICOM_UNREADABLE', what);
    }
  }
  return { sopInstanceUid: sopUid, bytes: await bytes.take() };
}
