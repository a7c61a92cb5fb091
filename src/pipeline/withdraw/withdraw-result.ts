import type { ImageArchive } from '../../dicom/image-archive.ts';
import { type DicomDataset, requiredText, sequence, text } from '../../dicom/reading/dataset.ts';
import type { SiteIdentity } from '../../results/device.ts';
import { RESULT_FORMAT } from '../../results/result-format.ts';
import { createRejectionNote, type RejectedInstance, rejectionNoteUid } from '../../sr/rejection-note.ts';
import { REJECTION_REASONS, type RejectionReason } from '../../sr/rejection-reasons.ts';
import type { Database } from '../../store/database/sql.ts';
import { announceResult } from '../../store/exchange/announce-result.ts';
import { findVolume, recordWithdrawal } from '../../store/records/history.ts';
import { recordResultSeries, resultSeriesOf } from '../../store/records/own-series.ts';
import { fixedTime } from '../../store/records/run-log.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import { StoreError } from '../../store/store-error.ts';

export interface WithdrawalRequest {
  /** A series or a report (SOP instance) of the result. */
  readonly uid: string;
  readonly reason: RejectionReason;
  /** In the operator's words. */
  readonly comment?: string | undefined;
}

export interface WithdrawParts {
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly softwareVersion: string;
  /** See `SiteIdentity`. */
  readonly site?: SiteIdentity;
  readonly now: () => Date;
}

export interface Withdrawn {
  readonly volume: VolumeRecord;
  /** SOP instance UID of the rejection note. */
  readonly note: string;
  /** How many instances it names. */
  readonly instances: number;
}

/**
 * Withdraws a result: stores a rejection note that names its report, its SEG in every form, its pictures, and
 * the report of a reader's correction, then marks the volume in the history, where it counts as a prior no
 * more. Withdrawing again for the same reason changes nothing.
 * @throws StoreError RESULT_UNKNOWN where the history has no such result; what the archive throws
 */
export async function withdrawResult(
  { uid, reason, comment }: WithdrawalRequest,
  { archive, database, softwareVersion, site, now }: WithdrawParts,
): Promise<Withdrawn> {
  const volume = await findVolume(database, uid);
  if (!volume) {
    throw new StoreError(
      'RESULT_UNKNOWN',
      `the history has no result ${uid}: name the series of its SEG or report, or the report's SOP ` +
        'Instance UID',
    );
  }
  if (volume.historyAlone) {
    const what = 'is in the history alone, there is nothing of it to withdraw: reject it on its page';
    throw new StoreError('RESULT_UNKNOWN', `the result ${uid} ${what}`);
  }
  const { studyInstanceUid, report } = volume;
  const headers = await resultHeaders(volume, archive, database);
  const rejected = headers.map(rejectedInstance);
  // One that an earlier version stored is that one.
  const former = rejectionNoteUid({ rejected, reason, comment, format: '3' });
  const format = volume.withdrawn?.note === former ? '3' : RESULT_FORMAT;
  const note = rejectionNoteUid({ rejected, reason, comment, format });
  const contentDateTime = await fixedTime(database, `KO ${note}`, now());
  const header = headers.find((one) => text(one, 'SOPInstanceUID') === report.sopInstanceUid) ?? {};
  const said = { rejected, reason, comment, format };
  const object = createRejectionNote({ ...site, ...said, header, contentDateTime, softwareVersion });
  const { seriesInstanceUid, sopInstanceUid } = object;
  const own = { studyInstanceUid, seriesInstanceUid, sopInstanceUid, kind: 'KO' } as const;
  await recordResultSeries(database, [own], now());
  await archive.storeVerified(studyInstanceUid, [object.bytes]);
  const withdrawal = {
    reason: REJECTION_REASONS[reason].value,
    note: sopInstanceUid,
    at: contentDateTime.toISOString(),
  };
  await database.transaction(async (sql) => {
    await recordWithdrawal(sql, report.sopInstanceUid, withdrawal);
    await announceResult(sql, report.sopInstanceUid, now());
  });
  return { volume, note: sopInstanceUid, instances: rejected.length };
}

/** The headers of all objects of one result, the report's first. */
async function resultHeaders(
  { studyInstanceUid, report, seg, correction }: VolumeRecord,
  archive: ImageArchive,
  database: Database,
): Promise<DicomDataset[]> {
  const headerOf = async (seriesInstanceUid: string) =>
    archive.seriesMetadata(studyInstanceUid, seriesInstanceUid);
  const headers = [
    ...(await headerOf(report.seriesInstanceUid)),
    ...(correction ? await headerOf(correction.report.seriesInstanceUid) : []),
  ];
  headers.push(...(await pictureHeaders(studyInstanceUid, report.sopInstanceUid, archive, database)));
  if (!seg) return headers;
  const first = await headerOf(seg.seriesInstanceUid);
  const others = (await resultSeriesOf(database, studyInstanceUid)).filter(
    ({ kind, seriesInstanceUid }) => kind === 'SEG' && seriesInstanceUid !== seg.seriesInstanceUid,
  );
  for (const { seriesInstanceUid } of others) {
    const same = (await headerOf(seriesInstanceUid)).filter((one) =>
      first.some((main) => workOf(main) === workOf(one)),
    );
    first.push(...same);
  }
  return [...headers, ...first];
}

/** The headers of key images and PDF that show a report's content. */
async function pictureHeaders(
  studyInstanceUid: string,
  reportUid: string,
  archive: ImageArchive,
  database: Database,
): Promise<DicomDataset[]> {
  const series = (await resultSeriesOf(database, studyInstanceUid)).filter(
    ({ kind }) => kind === 'SC' || kind === 'PDF',
  );
  const headers = await Promise.all(
    series.map(({ seriesInstanceUid }) => archive.seriesMetadata(studyInstanceUid, seriesInstanceUid)),
  );
  return headers
    .flat()
    .filter((header) =>
      [...sequence(header, 'ReferencedInstanceSequence'), ...sequence(header, 'SourceInstanceSequence')].some(
        (one) => text(one, 'ReferencedSOPInstanceUID') === reportUid,
      ),
    );
}

/** What a SEG was made from and how: equal in all of its forms. */
function workOf(seg: DicomDataset): string {
  const algorithms = sequence(seg, 'SegmentSequence').flatMap((segment) =>
    sequence(segment, 'SegmentationAlgorithmIdentificationSequence').map((one) => [
      text(one, 'AlgorithmName'),
      text(one, 'AlgorithmVersion'),
      text(one, 'AlgorithmParameters'),
    ]),
  );
  const images = sequence(seg, 'ReferencedSeriesSequence').map((series) => [
    text(series, 'SeriesInstanceUID'),
    ...sequence(series, 'ReferencedInstanceSequence').map((one) => text(one, 'ReferencedSOPInstanceUID')),
  ]);
  return JSON.stringify([algorithms, images]);
}

function rejectedInstance(header: DicomDataset): RejectedInstance {
  const uid = (keyword: string) => requiredText(header, keyword, 'a result in the archive');
  return {
    studyInstanceUid: uid('StudyInstanceUID'),
    seriesInstanceUid: uid('SeriesInstanceUID'),
    sopClassUid: uid('SOPClassUID'),
    sopInstanceUid: uid('SOPInstanceUID'),
    isImage: 'Rows' in header,
  };
}
