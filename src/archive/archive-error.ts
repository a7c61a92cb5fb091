import { CodedError } from '../coded-error.ts';

/** Why a request was refused. The code is stable; the message is for people. */
const ARCHIVE_ERROR_CODES = [
  'ARCHIVE_REQUEST', // the request itself is malformed
  'ARCHIVE_QUERY', // a QIDO-RS parameter is unknown or malformed
  'ARCHIVE_NOT_FOUND', // no such study, series, instance, frame or path
  'ARCHIVE_METHOD', // the path exists, the method does not
  'ARCHIVE_NOT_ACCEPTABLE', // nothing that Accept names can be given without transcoding
  'ARCHIVE_MEDIA_TYPE', // STOW-RS in another form than application/dicom parts
  'ARCHIVE_MULTIPART', // a STOW-RS body that is cut off, or not delimited as announced
  'ARCHIVE_TOO_LARGE', // an instance of more bytes than the archive takes
  'ARCHIVE_FAILED', // the archive's own fault: disk, folder
] as const;

export type ArchiveErrorCode = (typeof ARCHIVE_ERROR_CODES)[number];

export class ArchiveError extends CodedError<ArchiveErrorCode> {
  readonly status: number;

  constructor(code: ArchiveErrorCode, status: number, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}
