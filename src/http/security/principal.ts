import type { Request, Response } from 'express';

/**
 * What somebody may do. viewer: read pages, API and images. reviewer: that, and accept or reject results.
 * sender: send studies and announce them, nothing else. operator: everything.
 */
export const ACCESS_ROLES = ['viewer', 'reviewer', 'operator', 'sender'] as const;
export type Role = (typeof ACCESS_ROLES)[number];

/** Who sent a request, as far as is known. */
export interface Principal {
  /** The token's name, or what the identity provider calls the person. */
  readonly name: string;
  readonly roles: readonly Role[];
  /**
   * How the request showed who it is from: not at all, by the node's own token (itself, and commands of its
   * machine), by a token, or by the cookie that stands for one; only the cookie is sent by browsers on behalf
   * of foreign pages.
   */
  readonly by: 'loopback' | 'own' | 'bearer' | 'cookie';
}

declare global {
  namespace Express {
    interface Locals {
      /** Set by the access middleware before any router is asked. */
      principal?: Principal;
      /** Whether who sent the request would still be let in as the same; for answers without end. */
      isStillIn?: () => Promise<boolean>;
      /** What was looked for, where the address does not say it; for the audit log. */
      searched?: Readonly<Record<string, string>>;
    }
  }
}

/**
 * Finds out who sent a request; undefined where it shows no credentials.
 * @throws HttpError CREDENTIALS_REFUSED
 */
export type Identify = (request: Request) => Promise<Principal | undefined>;

/** Everybody, where the node listens on loopback only and no authentication is configured. */
export const LOOPBACK_PRINCIPAL: Principal = { name: 'local', roles: ['operator'], by: 'loopback' };

/** The roles that each role includes. */
const INCLUDED: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ['viewer'],
  reviewer: ['viewer', 'reviewer'],
  operator: ACCESS_ROLES,
  sender: ['sender'],
};

export function mayAct({ roles }: Principal, role: Role): boolean {
  return roles.some((held) => INCLUDED[held].includes(role));
}

/** Who sent the request that is being answered, for the audit log. */
export function principalName(response: Response): string {
  return response.locals.principal?.name ?? 'nobody';
}
