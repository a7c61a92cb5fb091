import { DimseArchive, type DimseArchiveOptions } from '../../src/dicom/dimse/archive.ts';
import { IMPLEMENTATION } from '../../src/implementation.ts';

/** A client of an archive on this machine, whose answers are awaited for no longer than a test likes. */
export function dimseArchive(
  port: number,
  peer: Partial<DimseArchiveOptions['peer']> = {},
  options: Partial<DimseArchiveOptions> = {},
): DimseArchive {
  return new DimseArchive({
    peer: {
      host: '127.0.0.1',
      port,
      calledAeTitle: 'ORTHANC',
      callingAeTitle: 'W1',
      implementation: IMPLEMENTATION,
      idleMs: 20_000,
      ...peer,
    },
    retrieve: 'get',
    associations: 4,
    pausesMs: [10, 10],
    ...options,
  });
}
