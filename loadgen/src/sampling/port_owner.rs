//! The process of this machine that listens on a port.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr},
    path::Path,
};

/// `TCP_LISTEN` as `/proc/net/tcp` writes it, in hexadecimal.
const LISTEN_STATE: &str = "0A";

/// Returns the process that listens on `port` of this machine; `None` if no process does, or
/// if it belongs to another user.
///
/// A call goes through the open files of every process, which is too much for every second.
pub fn listening_pid(port: u16) -> Option<u32> {
    // The socket tables name inodes, and the open files of a process link to them.
    let links: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    // Without this the search would go through every process's files for nothing.
    if links.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids: Vec<u32> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    // A child that inherited the socket is not its owner, and usually has the higher id.
    pids.sort_unstable();
    pids.into_iter().find(|pid| has_open_socket(*pid, &links))
}

/// Whether `host` means this machine: a loopback address or `localhost`.
pub fn is_local_host(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => v6 == Ipv6Addr::LOCALHOST,
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Returns the inodes of the sockets that listen on `port`, from a table in the format of
/// `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let inode_of_line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, hex) = columns.get(1)?.rsplit_once(':')?;
        let listens = columns.get(3) == Some(&LISTEN_STATE);
        let is_port = u16::from_str_radix(hex, 16) == Ok(port);
        (listens && is_port).then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    };
    table.lines().skip(1).filter_map(inode_of_line).collect()
}

fn has_open_socket(pid: u32, links: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        // The process has ended since it was listed, or belongs to another user.
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| links.iter().any(|link| target == Path::new(link)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn listening_process_is_found_until_it_closes_the_port() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listening_pid(port), Some(std::process::id()));
        drop(socket);
        assert_eq!(listening_pid(port), None);
    }

    #[test]
    fn connected_socket_on_the_port_is_ignored() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n\
             1: 0100007F:18EB 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n";
        assert_eq!(listening_inodes(table, 6379), ["4711"]);
        assert!(listening_inodes(table, 6380).is_empty());
        assert!(listening_inodes("not a table\n\n:", 1).is_empty());
    }

    #[test]
    fn loopback_address_and_localhost_are_local() {
        for host in ["127.0.0.1", "127.1.2.3", "::1", "localhost"] {
            assert!(is_local_host(host), "{host}");
        }
        for host in ["10.0.0.1", "redis", "::2", ""] {
            assert!(!is_local_host(host), "{host}");
        }
    }
}
