// What all service processes on one database share beside their data: rows to lock, and facts about the installation.
import { Column, Entity, PrimaryColumn } from "typeorm";

@Entity("service_state")
export class ServiceState {
  @PrimaryColumn({ type: "varchar", length: 40 })
  name!: string;

  @Column({ type: "varchar", length: 64 })
  value!: string;
}
