import type { Implementation } from '../../writing/write.ts';

/** PDU types, PS3.8 section 9.3.1. */
export const PDU = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  associateReject: 0x03,
  data: 0x04,
  releaseRequest: 0x05,
  releaseResponse: 0x06,
  abort: 0x07,
} as const;
/** Type, a reserved byte, and a length of 32 bits. */
export const PDU_HEADER_BYTES = 6;

const ITEM = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  answeredContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementationClassUid: 0x52,
  roleSelection: 0x54,
  implementationVersionName: 0x55,
} as const;
const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
const PROTOCOL_VERSION = 1;
/** Version, two reserved bytes, both titles, and 32 reserved bytes. */
const FIXED_BYTES = 68;
const AE_TITLE_BYTES = 16;

export interface ProposedContext {
  /** Odd, 1 to 255. */
  readonly id: number;
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUids: readonly string[];
}

/** SCP/SCU role selection (PS3.7 annex D.3.3.4): what the one who asks for the association wants to be. */
export interface Role {
  readonly sopClassUid: string;
  readonly scu: boolean;
  readonly scp: boolean;
}

export interface AssociationRequest {
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly contexts: readonly ProposedContext[];
  readonly roles: readonly Role[];
  /** The most that one PDU of data may hold towards who asks; 0: any. */
  readonly maxPduBytes: number;
}

/** PS3.8 table 9-18: 0 is acceptance. */
interface AnsweredContext {
  readonly id: number;
  readonly result: number;
  readonly transferSyntaxUid: string;
}

export interface AssociationAnswer {
  readonly contexts: readonly AnsweredContext[];
  readonly maxPduBytes: number;
}

/** A PDU that does not hold what PS3.8 says. */
export class MalformedPdu extends Error {
  override readonly name = 'MalformedPdu';
}

function pdu(type: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, one) => sum + one.length, 0);
  const head = Buffer.alloc(PDU_HEADER_BYTES);
  head[0] = type;
  head.writeUInt32BE(length, 2);
  return Buffer.concat([head, ...content]);
}

/** A-ASSOCIATE-RQ (PS3.8 section 9.3.2). */
export function associateRequest(request: AssociationRequest, implementation: Implementation): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntaxUid, transferSyntaxUids }) =>
    item(
      ITEM.proposedContext,
      Buffer.from([id, 0, 0, 0]),
      item(ITEM.abstractSyntax, ascii(abstractSyntaxUid)),
      ...transferSyntaxUids.map((uid) => item(ITEM.transferSyntax, ascii(uid))),
    ),
  );
  return pdu(
    PDU.associateRequest,
    ...beginning(request),
    ...contexts,
    userInformation(request, implementation),
  );
}

/** A-ASSOCIATE-AC (PS3.8 section 9.3.3) to a request. */
export function associateAccept(
  request: AssociationRequest,
  answer: AssociationAnswer & { readonly roles: readonly Role[] },
  implementation: Implementation,
): Buffer {
  const contexts = answer.contexts.map(({ id, result, transferSyntaxUid }) =>
    item(
      ITEM.answeredContext,
      Buffer.from([id, 0, result, 0]),
      item(ITEM.transferSyntax, ascii(transferSyntaxUid)),
    ),
  );
  return pdu(
    PDU.associateAccept,
    ...beginning(request),
    ...contexts,
    userInformation(answer, implementation),
  );
}

/** A-ASSOCIATE-RJ (PS3.8 section 9.3.4). */
export const associateReject = (result: number, source: number, reason: number): Buffer =>
  pdu(PDU.associateReject, Buffer.from([0, result, source, reason]));

/** A-RELEASE-RQ, A-RELEASE-RP and A-ABORT have four bytes. */
export const shortPdu = (type: number): Buffer => pdu(type, Buffer.alloc(4));

/** @throws MalformedPdu */
export function readAssociateRequest(body: Buffer): AssociationRequest {
  const contexts: ProposedContext[] = [];
  const roles: Role[] = [];
  let maxPduBytes = 0;
  for (const { type, content } of items(body.subarray(FIXED_BYTES))) {
    if (type === ITEM.proposedContext) contexts.push(proposedContext(content));
    if (type !== ITEM.userInformation) continue;
    for (const one of items(content)) {
      if (one.type === ITEM.maximumLength) maxPduBytes = unsigned(one.content);
      if (one.type === ITEM.roleSelection) roles.push(roleOf(one.content));
    }
  }
  return { ...titles(body), contexts, roles, maxPduBytes };
}

/** @throws MalformedPdu */
export function readAssociateAccept(body: Buffer): AssociationAnswer {
  const contexts: AnsweredContext[] = [];
  let maxPduBytes = 0;
  for (const { type, content } of items(body.subarray(FIXED_BYTES))) {
    if (type === ITEM.answeredContext) {
      const syntax = items(content.subarray(4)).find((one) => one.type === ITEM.transferSyntax);
      contexts.push({
        id: content[0] ?? 0,
        result: content[2] ?? REFUSED_BY_USER,
        transferSyntaxUid: syntax ? textOf(syntax.content) : '',
      });
    }
    if (type !== ITEM.userInformation) continue;
    const limit = items(content).find((one) => one.type === ITEM.maximumLength);
    if (limit) maxPduBytes = unsigned(limit.content);
  }
  return { contexts, maxPduBytes };
}

const REFUSED_BY_USER = 1;

function beginning({ calledAeTitle, callingAeTitle }: AssociationRequest): Buffer[] {
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed.writeUInt16BE(PROTOCOL_VERSION, 0);
  fixed.write(calledAeTitle.padEnd(AE_TITLE_BYTES), 4, 'latin1');
  fixed.write(callingAeTitle.padEnd(AE_TITLE_BYTES), 4 + AE_TITLE_BYTES, 'latin1');
  return [fixed, item(ITEM.applicationContext, ascii(APPLICATION_CONTEXT))];
}

function titles(body: Buffer): Pick<AssociationRequest, 'calledAeTitle' | 'callingAeTitle'> {
  if (body.length < FIXED_BYTES) throw new MalformedPdu('a request for an association is cut off');
  const title = (at: number) => textOf(body.subarray(at, at + AE_TITLE_BYTES));
  return { calledAeTitle: title(4), callingAeTitle: title(4 + AE_TITLE_BYTES) };
}

function userInformation(
  { maxPduBytes, roles }: { readonly maxPduBytes: number; readonly roles: readonly Role[] },
  { classUid, versionName }: Implementation,
): Buffer {
  const limit = Buffer.alloc(4);
  limit.writeUInt32BE(maxPduBytes);
  return item(
    ITEM.userInformation,
    item(ITEM.maximumLength, limit),
    item(ITEM.implementationClassUid, ascii(classUid)),
    ...roles.map(({ sopClassUid, scu, scp }) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(sopClassUid.length);
      return item(ITEM.roleSelection, length, ascii(sopClassUid), Buffer.from([Number(scu), Number(scp)]));
    }),
    item(ITEM.implementationVersionName, ascii(versionName)),
  );
}

function roleOf(content: Buffer): Role {
  if (content.length < 4) throw new MalformedPdu('a role selection is cut off');
  const length = content.readUInt16BE(0);
  const [scu, scp] = content.subarray(2 + length);
  return { sopClassUid: textOf(content.subarray(2, 2 + length)), scu: scu === 1, scp: scp === 1 };
}

function proposedContext(content: Buffer): ProposedContext {
  const syntaxes = items(content.subarray(4));
  const named = (type: number) =>
    syntaxes.filter((one) => one.type === type).map((one) => textOf(one.content));
  return {
    id: content[0] ?? 0,
    abstractSyntaxUid: named(ITEM.abstractSyntax)[0] ?? '',
    transferSyntaxUids: named(ITEM.transferSyntax),
  };
}

function item(type: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, one) => sum + one.length, 0);
  const start = Buffer.from([type, 0, 0, 0]);
  start.writeUInt16BE(length, 2);
  return Buffer.concat([start, ...content]);
}

function items(bytes: Buffer): { readonly type: number; readonly content: Buffer }[] {
  const found: { readonly type: number; readonly content: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + (at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : bytes.length);
    if (end > bytes.length) throw new MalformedPdu('an item of a PDU is cut off');
    found.push({ type: bytes[at] ?? 0, content: bytes.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
/** Of UIDs and titles, whatever they are padded with. */
const textOf = (bytes: Buffer): string => bytes.toString('latin1').replaceAll('\0', ' ').trim();
const unsigned = (bytes: Buffer): number => (bytes.length >= 4 ? bytes.readUInt32BE(0) : 0);
