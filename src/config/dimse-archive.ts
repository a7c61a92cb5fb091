import { z } from 'zod';
import { aeTitle } from './intake.ts';

/** An archive that speaks DIMSE alone. */
export const dimseArchiveSchema = z.strictObject({
  host: z.string().min(1).nullable(),
  port: z.int().min(1).max(65_535),
  calledAeTitle: aeTitle.nullable(),
  aeTitle,
  tls: z.boolean(),
  retrieve: z.enum(['auto', 'get', 'move']),
  listen: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535).nullable() }),
  commitment: z.strictObject({ enabled: z.boolean(), timeoutSeconds: z.number().positive() }),
  associations: z.int().positive(),
});

interface Section {
  readonly kind: string;
  readonly url: string | null;
  readonly user: string | null;
  readonly token: string | null;
  readonly proxy: string | null;
  readonly ca: string | null;
  readonly clientCertificate: string | null;
  readonly dimse: z.infer<typeof dimseArchiveSchema>;
}

/** What is wrong with the section of an archive that speaks DIMSE, by key. */
export function dimseProblems(section: Section): { readonly path: string[]; readonly message: string }[] {
  const { kind, url, user, token, proxy, ca, clientCertificate, dimse } = section;
  if (kind !== 'dimse') return [];
  const problems: [isWrong: boolean, path: string[], message: string][] = [
    [dimse.host === null, ['dimse', 'host'], 'is needed where archive.kind is dimse'],
    [
      dimse.calledAeTitle === null,
      ['dimse', 'calledAeTitle'],
      'is needed where archive.kind is dimse: the AE title of the archive',
    ],
    [url !== null, ['kind'], 'is dimse, which has no use for archive.url: name archive.dimse.host'],
    [
      user !== null || token !== null || proxy !== null,
      ['kind'],
      'is dimse, which knows neither user, token nor proxy: AE titles and certificates take their place',
    ],
    [
      dimse.retrieve === 'move' && dimse.listen.port === null,
      ['dimse', 'listen', 'port'],
      'is needed where archive.dimse.retrieve is move: the archive delivers there',
    ],
    [
      dimse.tls && dimse.listen.port !== null && clientCertificate === null,
      ['clientCertificate'],
      'is needed where archive.dimse.tls is on and archive.dimse.listen has a port: it is shown there too',
    ],
    [
      dimse.tls && dimse.listen.port !== null && ca === null,
      ['ca'],
      'is needed where archive.dimse.tls is on and archive.dimse.listen has a port: whoever connects there ' +
        'has to show a certificate that it signed, and public authorities sign for everybody',
    ],
  ];
  return problems.filter(([isWrong]) => isWrong).map(([, path, message]) => ({ path, message }));
}
