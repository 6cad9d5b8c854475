package cli

// reservedDescriptors are kept from clients, for the store's files, REST and
// metrics; where there are few, clients get three quarters.
const reservedDescriptors = 2048

// connectionsFor returns how many clients so many descriptors can bear.
func connectionsFor(descriptors uint64) int {
	reserved := min(reservedDescriptors, descriptors/4)
	return int(min(descriptors-reserved, 1<<31-1))
}
