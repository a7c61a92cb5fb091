import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { DimseArchive } from '../dicom/dimse/archive.ts';
import { LedgerInMemory } from '../dicom/dimse/ledger.ts';
import type { ArchiveAnswer, Detour } from '../dicom/web/archive-access.ts';
import { IMPLEMENTATION } from '../implementation.ts';
import type { Database } from '../store/database/sql.ts';
import { storedLedger } from '../store/records/pending-commitments.ts';
import { readPemIfNamed } from './pem.ts';

export interface DimseParts {
  readonly answered?: ((answer: ArchiveAnswer) => void) | undefined;
  readonly detour?: ((detour: Detour) => void) | undefined;
  readonly logger?: Logger | undefined;
  /** Where it is kept what the archive has not committed to yet; without it, in memory. */
  readonly database?: (() => Database) | undefined;
}

/** The archive that speaks DIMSE, from the configuration. @throws ConfigError for a file of certificates */
export function composeDimseArchive(
  { archive }: Pick<Config, 'archive'>,
  { answered, detour, logger, database }: DimseParts,
): DimseArchive {
  const { dimse, timeoutSeconds } = archive;
  const tls = dimse.tls
    ? {
        ca: readPemIfNamed('archive.ca', archive.ca),
        certificate: readPemIfNamed('archive.clientCertificate', archive.clientCertificate),
        key: readPemIfNamed('archive.clientKey', archive.clientKey),
      }
    : undefined;
  const { port, host } = dimse.listen;
  const { enabled, timeoutSeconds: reportSeconds } = dimse.commitment;
  const ledger = database ? storedLedger(database) : new LedgerInMemory();
  return new DimseArchive({
    peer: {
      host: dimse.host ?? '',
      port: dimse.port,
      tls,
      calledAeTitle: dimse.calledAeTitle ?? '',
      callingAeTitle: dimse.aeTitle,
      implementation: IMPLEMENTATION,
      idleMs: timeoutSeconds * 1000,
    },
    retrieve: dimse.retrieve,
    listen: port === null ? undefined : { host, port, tls },
    commitment: enabled ? { timeoutMs: reportSeconds * 1000, ledger } : undefined,
    associations: dimse.associations,
    answered,
    detour: detour ?? (logger && eachOnce(logger)),
    onProblem: logger && ((reason) => logger.warn({ reason }, 'refused at the port for what is retrieved')),
  });
}

/** What an archive does not offer it does not offer each time: it is said once. */
function eachOnce(logger: Logger): (detour: Detour) => void {
  const told = new Set<string>();
  return ({ refused, instead, because }) => {
    if (told.has(refused)) return;
    told.add(refused);
    const reason = because instanceof Error ? because.message : undefined;
    logger.warn({ refused, instead, reason }, 'the archive does not do something; it is had otherwise');
  };
}
