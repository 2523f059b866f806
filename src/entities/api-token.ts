// An API token: what a program shows to be let in. Only its hash is kept.
import { Column, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";
import { INSTANT } from "./columns.js";

@Entity("api_tokens")
@Unique("uq_api_tokens_name", ["name"])
export class ApiToken {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "varchar", length: 128 })
  name!: string;

  /** SHA-256 of the whole token, in hexadecimal. */
  @Column({ type: "varchar", length: 64 })
  hash!: string;

  @Column(INSTANT)
  createdAt!: number;
}
