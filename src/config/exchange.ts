import { z } from 'zod';
import { hasWholeCertificate, serverAccess } from './server-access.ts';

/** URIs of issuers, by the name that images have for them (IssuerOfPatientID and the like); '' for none. */
const issuerSystems = z.record(z.string(), z.url());

/** What an HD of an MSH segment may hold without being taken apart. */
const hl7Name = z.string().regex(/^[^|^~\\&\r\n]{1,227}$/, { error: 'must be a name without | ^ ~ \\ &' });

/** To which systems results go beside the archive; none by default. */
export const exchangeSchema = z.strictObject({
  fhir: z
    .strictObject({
      ...serverAccess,
      url: serverAccess.url.refine((url) => url === null || !/\/\/[^/]*@|[?#]/.test(url), {
        error: 'must hold no user, password or query',
      }),
      version: z.enum(['R4', 'R5']),
      pdf: z.boolean(),
      issuers: issuerSystems,
    })
    .refine(hasWholeCertificate, {
      path: ['clientCertificate'],
      error: 'goes together with exchange.fhir.clientKey: name both, or neither',
    }),
  hl7: z
    .strictObject({
      host: z
        .string()
        .regex(/^[^\s/@]+$/, { error: 'must be a host name or an address' })
        .nullable(),
      port: z.int().min(1).max(65_535),
      tls: z.boolean(),
      ca: serverAccess.ca,
      clientCertificate: serverAccess.clientCertificate,
      clientKey: serverAccess.clientKey,
      timeoutSeconds: z.number().positive().max(120),
      sendingApplication: hl7Name,
      sendingFacility: hl7Name.nullable(),
      receivingApplication: hl7Name.nullable(),
      receivingFacility: hl7Name.nullable(),
      processingId: z.enum(['P', 'T', 'D']),
      assigningAuthority: z
        .string()
        .regex(/^[^|^~\\\r\n]{1,227}$/)
        .nullable(),
      pdf: z.boolean(),
    })
    .refine(hasWholeCertificate, {
      path: ['clientCertificate'],
      error: 'goes together with exchange.hl7.clientKey: name both, or neither',
    })
    .refine(({ tls, ca, clientCertificate }) => tls || (ca === null && clientCertificate === null), {
      path: ['tls'],
      error: 'must be true where certificates are named',
    }),
});

/** The summary page can only go along where one is made. */
export const hasPdfToSend = ({
  exchange: { fhir, hl7 },
  results,
}: {
  exchange: z.infer<typeof exchangeSchema>;
  results: { pdf: boolean };
}): boolean => results.pdf || !(fhir.pdf || hl7.pdf);
